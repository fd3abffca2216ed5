//! Builtins: numbers.

use dashu_int::ops::{BitTest, Gcd};
use dashu_int::{IBig, UBig};

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::{Word, layout};
use crate::runtime::fault::brief::brief;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::system::apart;
use crate::runtime::values::collections::map;
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::float::of_one_float;
use crate::runtime::values::numbers::format::{self, Form};
use crate::runtime::values::numbers::{self, Number, bits, compare, demand, integral, new_big, new_int, parse, random};
use crate::runtime::values::text::room;

builtins! { pub static TABLE: "core";
    /// The number without its sign, of the same type. `abs(-5)` is `5`.
    "abs" (x: Number) = abs, quiet => leaves::numbers::abs;
    /// The square root, a Float. `sqrt(16)` is `4.0`.
    "sqrt" (x: Number) -> FLOAT = sqrt, quiet => leaves::numbers::sqrt;
    /// The largest integral Float that is not greater. `floor(2.7)` is `2.0`.
    "floor" (x: Number) = floor, quiet => leaves::numbers::floor;
    /// The smallest integral Float that is not less. `ceil(2.1)` is `3.0`.
    "ceil" (x: Number) = ceil, quiet => leaves::numbers::ceil;
    /// The nearest integral Float, half away from zero. `round(2.5)` is `3.0`.
    "round" (x: Number) = round => leaves::numbers::round;
    /// The Int without the fraction. `truncate(-2.9)` is `-2`.
    "truncate" (x: Number) -> INT = truncate, quiet => leaves::numbers::whole;
    /// The number as an Int, without its fraction. `to-int(3.99)` is `3`.
    "to-int" (x: Number) = to_int, quiet => leaves::numbers::whole;
    /// The number as a Float. `to-float(3)` is `3.0`.
    "to-float" (x: Number) -> FLOAT = to_float, quiet => leaves::numbers::to_float;
    /// E to the power of x. `exp(0)` is `1.0`.
    "exp" (x: Number) -> FLOAT = exp => leaves::numbers::exp;
    /// The natural logarithm. `log(1)` is `0.0`.
    "log" (x: Number) -> FLOAT = log => leaves::numbers::log;
    /// The logarithm to base 10. `log10(100)` is `2.0`.
    "log10" (x: Number) = log10 => leaves::numbers::log10;
    /// The logarithm to base 2. `log2(8)` is `3.0`.
    "log2" (x: Number) = log2 => leaves::numbers::log2;
    /// The sine of an angle in radians. `sin(0)` is `0.0`.
    "sin" (x: Number) -> FLOAT = sin => leaves::numbers::sin;
    /// The cosine of an angle in radians. `cos(0)` is `1.0`.
    "cos" (x: Number) -> FLOAT = cos => leaves::numbers::cos;
    /// The tangent of an angle in radians. `tan(0)` is `0.0`.
    "tan" (x: Number) -> FLOAT = tan => leaves::numbers::tan;
    /// The angle whose sine is x. `asin(0)` is `0.0`.
    "asin" (x: Number) = asin => leaves::numbers::asin;
    /// The angle whose cosine is x. `acos(1)` is `0.0`.
    "acos" (x: Number) = acos => leaves::numbers::acos;
    /// The angle whose tangent is x. `atan(0)` is `0.0`.
    "atan" (x: Number) = atan => leaves::numbers::atan;
    /// The angle of the point (x, y), in all four quadrants. `atan2(0, 1)` is `0.0`.
    "atan2" (y: Number, x: Number) = atan2 => leaves::numbers::atan2;
    /// The base to the power of the exponent: an exact Int for an Int to a power that is an Int and not negative, else a
    /// Float. `pow(2, 10)` is `1024`.
    "pow" (base: Number, exponent: Number) = pow => leaves::numbers::pow;
    /// The greatest argument, unchanged. `max(3, 9, 2)` is `9`.
    "max" (first: Number, others: rest(Number)) [Greatest, 2..=3] = max, quiet => leaves::numbers::max;
    /// The least argument, unchanged. `min(3, 9, 2)` is `2`.
    "min" (first: Number, others: rest(Number)) [Least, 2..=3] = min, quiet => leaves::numbers::min;
    /// The number, or the bound it lies beyond. `clamp(15, 0, 10)` is `10`.
    "clamp" (x: Number, low: Number, high: Number) [Clamp, 3..=3] = clamp, quiet => leaves::numbers::clamp;
    /// The greatest common divisor, never negative. `gcd(54, 24)` is `6`.
    "gcd" (a: Int, b: Int) = gcd => leaves::numbers::gcd;
    /// The least common multiple, never negative. `lcm(4, 6)` is `12`.
    "lcm" (a: Int, b: Int) = lcm;
    /// Is the Int even? `even?(4)` is `true`.
    "even?" (n: Int) = is_even, quiet => leaves::numbers::is_even;
    /// Is the Int odd? `odd?(4)` is `false`.
    "odd?" (n: Int) = is_odd, quiet => leaves::numbers::is_odd;
    /// Is it 0 or 0.0? `zero?(0)` is `true`.
    "zero?" (x: Number) = is_zero => leaves::numbers::is_zero;
    /// Is it greater than 0? `positive?(5)` is `true`.
    "positive?" (x: Number) = is_positive => leaves::numbers::is_positive;
    /// Is it less than 0? `negative?(5)` is `false`.
    "negative?" (x: Number) = is_negative => leaves::numbers::is_negative;
    /// Is it the Float that is not a number? `nan?(nan)` is `true`.
    "nan?" (x: Number) = is_nan => leaves::numbers::is_nan;
    /// Is it an infinite Float? `infinite?(1)` is `false`.
    "infinite?" (x: Number) = is_infinite => leaves::numbers::is_infinite;
    /// How many bits are set; of a negative Int, in its 64-bit pattern. `popcount(255)` is `8`.
    "popcount" (n: Int) [Popcount, 1..=1] = popcount => leaves::numbers::popcount;
    /// A random Float from 0.0 up to below 1.0.
    /// `random() < 1` is `true`.
    "random" () = random_float => leaves::numbers::random;
    /// A random Int from 0 up to below `max`. `random-int(1)` is `0`.
    "random-int" (max: Int) = random_int => leaves::numbers::random_int;
    /// A random number from `low` up to below `high`: an Int when both are Ints, else a Float. `random-range(3, 4)` is `3`.
    "random-range" (low: Number, high: Number) = random_range => leaves::numbers::random_range;
    /// The same random numbers, in this thread, after the same seed.
    /// `random-seed!(7)` is `null`.
    "random-seed!" (seed: Int) = random_seed;
    /// The Int that a text is, to base 10 or the one given (2 to 36); `null` when it is none. `parse-int("ff", 16)` is `255`.
    "parse-int" (text: String, base: opt(Int)) -> INT = parse_int => leaves::texts::parse_int;
    /// A number as text of a wanted form: with so many decimals, in a base (`:hex`, `:octal`, `:binary`), or as a map of options
    /// says: `:decimals`, `:base`, `:upper`, `:group` (between thousands), `:plus`, `:width`, `:fill`; at least `width`
    /// characters wide. `format-number(3.14159, 2)` is `"3.14"`.
    "format-number" (x: Number, how: NumberForm, width: opt(Int)) = format_number;
    /// The Float that a text is, `null` when it is none. `parse-float("2.5")` is `2.5`.
    "parse-float" (text: String) = parse_float => leaves::texts::parse_float;
    /// The number that a text is, as a program could write it; throws ParseError when it is none. `to-number("0xFF")` is `255`.
    "to-number" (text: String) = to_number;
}

type Outcome = Result<Handle, Thrown>;

fn number<'h>(cx: &'h Thread, args: &Args<'_>, i: usize) -> Number<'h> {
    // The entry has checked that it is one.
    Number::of(cx.get(args[i])).unwrap_or(Number::Int(0))
}

fn float(cx: &Thread, args: &Args<'_>, i: usize) -> f64 {
    number(cx, args, i).to_float()
}

fn bool(cx: &Thread, b: bool) -> Outcome {
    Ok(cx.root_word(Word::bool(b)))
}

macro_rules! float_functions {
    ($($name:ident = $f:expr $(, $beyond:expr)?;)*) => {
        $(fn $name(cx: &mut Thread, args: &Args<'_>) -> Outcome {
            let f: fn(f64) -> f64 = $f;
            let beyond = Option::<fn(f64, f64) -> f64>::None$(.or(Some($beyond)))?;
            let x = number(cx, args, 0);
            let result = match beyond.zip(x.beyond_floats()) {
                Some((f, (x, n))) => f(x, n),
                None => f(x.to_float()),
            };
            cx.alloc_float(result)
        })*
    };
}

of_one_float!(float_functions);

fn atan2(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let result = float(cx, args, 0).atan2(float(cx, args, 1));
    cx.alloc_float(result)
}

fn pow(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (base, exponent) = (number(cx, args, 0), number(cx, args, 1));
    let integral = match (base, exponent) {
        (Number::Float(_), _) | (_, Number::Float(_) | Number::Big(true, _)) => None,
        (_, Number::Int(i)) => usize::try_from(i).ok(),
        // Only -1, 0 and 1 have such powers; limbs are in order of weight.
        (_, Number::Big(false, limbs)) => Some((usize::MAX - 1) | limbs[0] as usize & 1),
    };
    if let Some(exponent) = integral {
        return integral_power(cx, args[0], exponent);
    }
    let result = float(cx, args, 0).powf(float(cx, args, 1));
    cx.alloc_float(result)
}

/// A power of more limbs than these is computed apart.
const LONG_POWER: usize = 16_000;

/// An Int to a power that is not negative.
fn integral_power(cx: &mut Thread, base: Handle, exponent: usize) -> Outcome {
    let base = match Number::of(cx.get(base)) {
        Some(Number::Int(i @ (0 | 1))) => return new_int(cx, if exponent == 0 { 1 } else { i }),
        Some(Number::Int(-1)) => return new_int(cx, if exponent.is_multiple_of(2) { 1 } else { -1 }),
        Some(n) => n.to_big().unwrap_or_default(),
        None => return Ok(base),
    };
    // One bit less for each factor bounds the result from below, so what passes is at most twice as long as allowed.
    if (base.bit_len() - 1).saturating_mul(exponent) > numbers::MAX_BITS {
        return Err(numbers::arith::too_large(cx, "pow"));
    }
    let limbs = |bits: usize| bits.saturating_mul(exponent) / 64;
    let odd = match base.bit_len() - base.trailing_zeros().unwrap_or(0) {
        1 => 0,
        bits => limbs(bits),
    };
    let claim = room::claim(cx, "a power", demand::of_power(limbs(base.bit_len()), odd))?;
    let lengthy = base.bit_len().saturating_mul(exponent) > 64 * LONG_POWER;
    let power = if lengthy { apart::compute(cx, move || base.pow(exponent))? } else { base.pow(exponent) };
    drop(claim);
    new_big(cx, &power)
}

fn abs(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match number(cx, args, 0) {
        Number::Int(i) => new_int(cx, i.abs()),
        Number::Float(f) => cx.alloc_float(f.abs()),
        Number::Big(false, _) => Ok(args[0]),
        Number::Big(true, limbs) => {
            let magnitude = numbers::big(false, limbs);
            new_big(cx, &magnitude)
        }
    }
}

fn truncate(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    whole(cx, "truncate", args[0])
}

fn to_int(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    whole(cx, "to-int", args[0])
}

/// A number without its fraction.
fn whole(cx: &mut Thread, name: &str, x: Handle) -> Outcome {
    let Some(Number::Float(f)) = Number::of(cx.get(x)) else { return Ok(x) };
    match integral(f.trunc()) {
        Some(i) => new_big(cx, &i.to_big()),
        None => {
            let message = format!("{name}: {} is not an Int", numbers::float::to_text(f));
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

fn is_nan_value(cx: &Thread, h: Handle) -> bool {
    cx.get(h).as_float().is_some_and(f64::is_nan)
}

/// The argument that is greatest (or least); NaN when one is NaN.
fn extreme(cx: &Thread, args: &Args<'_>, wanted: std::cmp::Ordering) -> Outcome {
    let mut best = args[0];
    for &candidate in args.all() {
        if is_nan_value(cx, candidate) {
            return Ok(candidate);
        }
        let (x, y) = (Number::of(cx.get(candidate)), Number::of(cx.get(best)));
        if let (Some(x), Some(y)) = (x, y)
            && compare::order(x, y) == Some(wanted)
        {
            best = candidate;
        }
    }
    Ok(best)
}

fn max(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    extreme(cx, args, std::cmp::Ordering::Greater)
}

fn min(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    extreme(cx, args, std::cmp::Ordering::Less)
}

fn clamp(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (x, low, high) = (number(cx, args, 0), number(cx, args, 1), number(cx, args, 2));
    let chosen = if compare::order(x, low) == Some(std::cmp::Ordering::Less) {
        args[1]
    } else if compare::order(x, high) == Some(std::cmp::Ordering::Greater) {
        args[2]
    } else {
        args[0]
    };
    if compare::order(low, high) == Some(std::cmp::Ordering::Greater) {
        let message =
            format!("clamp: the lower bound {} is above the upper {}", cx.describe(args[1]), cx.describe(args[2]));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    Ok(chosen)
}

fn gcd(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (a, b) = (number(cx, args, 0).to_big(), number(cx, args, 1).to_big());
    let (Some(a), Some(b)) = (a, b) else { return Ok(args[0]) };
    // dashu refuses gcd(0, 0).
    if a.is_zero() && b.is_zero() {
        return new_int(cx, 0);
    }
    let divisor = apart_if_lengthy(cx, a, b, |a, b| a.gcd(&b).into())?;
    new_big(cx, &divisor)
}

/// What is computed of two Ints, on a thread of its own where that takes long.
fn apart_if_lengthy(
    cx: &mut Thread,
    a: IBig,
    b: IBig,
    compute: impl FnOnce(IBig, IBig) -> IBig + Send + 'static,
) -> Result<IBig, Thrown> {
    let limbs = |i: &IBig| i.bit_len() / 64;
    match numbers::are_lengthy(limbs(&a), limbs(&b)) {
        true => {
            let _claim = room::claim(cx, "a common divisor or multiple", demand::of_product(limbs(&a), limbs(&b)))?;
            apart::compute(cx, move || compute(a, b))
        }
        false => Ok(compute(a, b)),
    }
}

fn lcm(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (x, y) = (number(cx, args, 0), number(cx, args, 1));
    if numbers::arith::bits(x) + numbers::arith::bits(y) > numbers::MAX_BITS {
        return Err(numbers::arith::too_large(cx, "lcm"));
    }
    let (Some(a), Some(b)) = (x.to_big(), y.to_big()) else { return Ok(args[0]) };
    if a.is_zero() || b.is_zero() {
        return new_int(cx, 0);
    }
    let multiple = apart_if_lengthy(cx, a, b, |a, b| {
        let ((_, a), (_, b)) = (a.into_parts(), b.into_parts());
        let divisor = (&a).gcd(&b);
        (a / divisor * b).into()
    })?;
    new_big(cx, &multiple)
}

fn low_bit(cx: &Thread, args: &Args<'_>) -> bool {
    match number(cx, args, 0) {
        Number::Int(i) => i & 1 == 1,
        Number::Big(_, limbs) => limbs.first().is_some_and(|limb| limb & 1 == 1),
        Number::Float(_) => false,
    }
}

fn is_even(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, !low_bit(cx, args))
}

fn is_odd(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, low_bit(cx, args))
}

fn sign(cx: &Thread, args: &Args<'_>) -> Option<std::cmp::Ordering> {
    compare::order(number(cx, args, 0), Number::Int(0))
}

fn is_zero(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, sign(cx, args).is_some_and(std::cmp::Ordering::is_eq))
}

fn is_positive(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, sign(cx, args).is_some_and(std::cmp::Ordering::is_gt))
}

fn is_negative(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, sign(cx, args).is_some_and(std::cmp::Ordering::is_lt))
}

fn is_nan(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, is_nan_value(cx, args[0]))
}

fn is_infinite(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, cx.get(args[0]).as_float().is_some_and(f64::is_infinite))
}

fn popcount(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match bits::popcount(number(cx, args, 0)) {
        Some(n) => new_int(cx, n as i64),
        None => {
            let message = format!("popcount: a negative Int must fit 64 bits, got {}", cx.describe(args[0]));
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

fn random_float(cx: &mut Thread, _args: &Args<'_>) -> Outcome {
    cx.alloc_float(random::next_float())
}

fn random_seed(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let seed = match number(cx, args, 0) {
        Number::Int(i) => i as u64,
        Number::Big(negative, limbs) => limbs.iter().fold(negative as u64, |seed, limb| seed.rotate_left(7) ^ limb),
        Number::Float(f) => f.to_bits(),
    };
    random::seed_with(seed);
    Ok(cx.root_word(Word::NULL))
}

fn random_int(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bound = match number(cx, args, 0) {
        Number::Int(i) if i > 0 => return new_int(cx, random::below(i as u64) as i64),
        Number::Big(false, limbs) => UBig::from_words(limbs),
        _ => {
            let message = format!("random-int: the bound must be positive, got {}", cx.describe(args[0]));
            return Err(cx.throw(ErrorKind::ArgumentError, message));
        }
    };
    new_big(cx, &random::below_any(&bound).into())
}

fn random_range(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match (number(cx, args, 0), number(cx, args, 1)) {
        // 61-bit Ints: the distance fits.
        (Number::Int(low), Number::Int(high)) if low < high => {
            let offset = random::below((high - low) as u64);
            new_int(cx, low + offset as i64)
        }
        (low @ Number::Float(_), high) | (low, high @ Number::Float(_)) if low.to_float() < high.to_float() => {
            let (low, high) = (low.to_float(), high.to_float());
            if !low.is_finite() || !high.is_finite() {
                let (low, high) = (cx.describe(args[0]), cx.describe(args[1]));
                let message = format!("random-range: the ends must be finite, got {low} and {high}");
                return Err(cx.throw(ErrorKind::ArgumentError, message));
            }
            let (distance, drawn) = (high - low, random::next_float());
            // A distance beyond all Floats is gone in halves.
            let result = if distance.is_finite() {
                low + distance * drawn
            } else {
                2.0 * (low / 2.0 + (high / 2.0 - low / 2.0) * drawn)
            };
            // Rounding may have reached the upper end.
            cx.alloc_float(if result < high { result } else { low })
        }
        (low, high) => {
            if let (Some(low), Some(high)) = (low.to_big(), high.to_big())
                && let Ok(distance) = UBig::try_from(high - &low)
                && !distance.is_zero()
            {
                return new_big(cx, &(low + IBig::from(random::below_any(&distance))));
            }
            let (low, high) = (cx.describe(args[0]), cx.describe(args[1]));
            let message = format!("random-range: the lower end must be less than the upper, got {low} and {high}");
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

fn text<'h>(cx: &'h Thread, args: &Args<'_>) -> &'h str {
    cx.get(args[0]).str().unwrap_or("")
}

/// The base that an argument names, from 2 to 36.
fn base(cx: &mut Thread, who: &str, h: Handle) -> Result<u32, Thrown> {
    match cx.get(h).as_int() {
        Some(base @ 2..=36) => Ok(base as u32),
        _ => {
            let message = format!("{who}: a base lies between 2 and 36, got {}", cx.describe(h));
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

/// More digits than these are read apart: they take the crate more than some 10 ms.
const LONG: usize = 150_000;

fn parse_int(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let base = args.opt(1).map_or(Ok(10), |h| base(cx, "parse-int", h))?;
    let digits = text(cx, args);
    let number = if digits.len() > LONG {
        let _claim = room::claim(cx, "an Int of digits", demand::of_parsing(digits.len()))?;
        let digits = text(cx, args).to_owned();
        apart::compute(cx, move || parse::int(&digits, base))?
    } else {
        parse::int(digits, base)
    };
    match number {
        Some(i) => new_big(cx, &i),
        None => Ok(cx.root_word(Word::NULL)),
    }
}

fn parse_float(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match parse::float(text(cx, args)) {
        Some(f) => cx.alloc_float(f),
        None => Ok(cx.root_word(Word::NULL)),
    }
}

fn to_number(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let _claim = room::claim(cx, "an Int of digits", demand::of_parsing(text(cx, args).len()))?;
    match parse::number(text(cx, args)) {
        Some(parse::Parsed::Int(i)) => new_big(cx, &i),
        Some(parse::Parsed::Float(f)) => cx.alloc_float(f),
        None => {
            let message = format!("to-number: {} is not a number", cx.describe(args[0]));
            Err(cx.throw(ErrorKind::ParseError, message))
        }
    }
}

fn format_number(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let form = number_form(cx.get(args[1])).and_then(|form| match args.opt(2) {
        Some(width) => Ok(Form { width: small_count(":width", cx.get(width))?, ..form }),
        None => Ok(form),
    });
    if let (Ok(form), Number::Big(_, limbs)) = (&form, number(cx, args, 0)) {
        // Digits, groups of them, and the whole: each is a text of its own.
        let bytes = form.longest(limbs.len()).saturating_mul(3);
        let _claim = room::claim(cx, "an Int as text", bytes)?;
    }
    let text = form.and_then(|form| match format::text(number(cx, args, 0), &form) {
        Some(text) => Ok(text),
        None => Err(format!("a Float can be written in base 10 only, got base {}", form.base)),
    });
    match text {
        Ok(text) => cx.alloc_string(&text),
        Err(problem) => Err(cx.throw(ErrorKind::ArgumentError, format!("format-number: {problem}"))),
    }
}

/// The form that decimals, a keyword or a map of options asks for, or what is wrong with it.
fn number_form(how: Value<'_>) -> Result<Form, String> {
    if how.as_int().is_some() || how.as_keyword().is_none() && !how.is(layout::MAP) {
        return Ok(Form { decimals: Some(small_count("decimals", how)?), ..Form::default() });
    }
    let keywords = &how.thread().vm().keywords;
    if let Some(name) = how.as_keyword() {
        let base = match keywords.text(name) {
            "hex" => 16,
            "octal" => 8,
            "binary" => 2,
            _ => return Err(format!("knows :hex, :octal and :binary, got {}", brief(how))),
        };
        return Ok(Form { base, ..Form::default() });
    }
    let mut form = Form::default();
    for (key, value) in map::iter(how) {
        let option = key.as_keyword().map(|k| keywords.text(k));
        match option {
            Some("decimals") => form.decimals = Some(small_count(":decimals", value)?),
            Some("width") => form.width = small_count(":width", value)?,
            Some("base") => match value.as_int() {
                Some(base @ 2..=36) => form.base = base as u8,
                _ => return Err(format!(":base lies between 2 and 36, got {}", brief(value))),
            },
            Some("upper") => form.upper = value.word() != Word::NULL && value.word() != Word::FALSE,
            Some("plus") => form.plus = value.word() != Word::NULL && value.word() != Word::FALSE,
            Some("group") => match value.str() {
                Some(text) => form.group = text.to_owned(),
                None => return Err(format!(":group is a String, got {}", brief(value))),
            },
            Some("fill") => match value.str().map(|text| (text.chars().next(), text.chars().count())) {
                Some((Some(fill), 1)) => form.fill = fill,
                _ => return Err(format!(":fill is a String of one character, got {}", brief(value))),
            },
            _ => {
                let known = ":decimals :base :upper :group :plus :width :fill";
                return Err(format!("the options are {known}, got {}", brief(key)));
            }
        }
    }
    Ok(form)
}

/// A count that a form may ask for.
fn small_count(what: &str, value: Value<'_>) -> Result<usize, String> {
    match value.as_int().and_then(|n| usize::try_from(n).ok()) {
        Some(n) if n <= format::MOST => Ok(n),
        _ => Err(format!("{what}: an Int from 0 to {} is asked for, got {}", format::MOST, brief(value))),
    }
}
