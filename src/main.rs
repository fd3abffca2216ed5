//! The `harrier` program: a thin shell around the library.
fn main() {
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}
fn run() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut options = harrier::gc::Options::default();
    args.retain(|a| match a.as_str() {
        "--dump=asm" => { harrier::runtime::dump::want(); false }
        "--gc-always" => { options.stress = harrier::gc::Stress::Decaying; false }
        "--gc-verify" => { options.verify = true; false }
        "run" => false,
        _ => true,
    });
    let mut cx = harrier::runtime::Vm::start(options, harrier::runtime::compile::compile).unwrap();
    let file = std::path::PathBuf::from(&args[0]);
    let text = std::fs::read_to_string(&file).unwrap();
    let ns = match harrier::runtime::load::program(&mut cx, &file, &args[0], text) {
        Ok(ns) => ns,
        Err(harrier::runtime::load::LoadError::Problems(p)) => { eprintln!("{}", harrier::runtime::load::render_problems(&p, false)); std::process::exit(1) }
        Err(harrier::runtime::load::LoadError::Thrown(t)) => { let u = harrier::runtime::report::uncaught(&mut cx, t, false); eprintln!("{u:?}"); std::process::exit(1) }
    };
    let Some(main) = ns.member("main") else { return };
    let f = cx.root(main.get(&cx).unwrap());
    let r = cx.call(f, &[]);
    match r {
        Ok(v) => { let t = harrier::runtime::text::format::to_text(&mut cx, v, harrier::runtime::text::format::Style::Readable); println!("{}", t.unwrap_or_default()); }
        Err(t) => { let u = harrier::runtime::report::uncaught(&mut cx, t, false); eprintln!("{u:?}"); std::process::exit(1) }
    }
}
