//! A program that is stopped at a breakpoint, as a session talks about it.
//!
//! Owns which of the frames that wait is looked at, and the namespaces in which entries are evaluated among their variables. Each frame
//! that is looked at gets one, which stands in that of the frame's function: its members are the variables, as ordinary definitions,
//! so that an entry among them is an entry like any other. What an entry defines is a member too, and hides a variable of its name.
//!
//! A namespace is never freed, and what the variables held is kept with it: functions that entries have made may go on to use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::gc::{Handle, Thread, Thrown};
use crate::reader::tree::{Source, Span};
use crate::runtime::Namespace;
use crate::runtime::fault::locals::{self, Waiting};
use crate::runtime::fault::{report, trace};
use crate::runtime::program::binding::{Binding, Place};
use crate::runtime::program::declare::{self, DeclareError};

/// So many frames were looked at, of all stops.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// A program that is stopped.
pub struct Stopped {
    /// The frames that were looked at, by number; the innermost one is 0.
    frames: Vec<Option<InFrame>>,
    /// The one that is looked at.
    pub selected: usize,
    /// The program is to end, and not to go on.
    pub quits: bool,
    /// An error is about to be thrown.
    pub throws: bool,
    /// Holds the value with which the function is to be left.
    pub returned: Option<&'static Binding>,
}

/// A frame that was looked at.
struct InFrame {
    function: String,
    namespace: &'static Namespace,
    variables: Vec<Variable>,
}

/// A variable that was given a binding.
struct Variable {
    binding: &'static Binding,
    /// That of the binding when we gave it a value: with another, an entry has defined the name.
    version: u64,
}

impl Stopped {
    /// Stopped here, looking at the innermost frame.
    pub fn here(cx: &mut Thread) -> Result<Stopped, Thrown> {
        let mut stopped = Stopped { frames: Vec::new(), selected: 0, quits: false, throws: false, returned: None };
        stopped.look_at(cx, 0)?;
        Ok(stopped)
    }

    /// Looks at a frame; none where there is no such.
    pub fn look_at(&mut self, cx: &mut Thread, number: usize) -> Result<Option<&'static Namespace>, Thrown> {
        let mark = cx.mark();
        let found = self.bind(cx, number);
        cx.release(mark);
        if found.as_ref().is_ok_and(Option::is_some) {
            self.selected = number;
        }
        found
    }

    /// Gives the variables of a frame the values that they have now.
    fn bind(&mut self, cx: &mut Thread, number: usize) -> Result<Option<&'static Namespace>, Thrown> {
        let Some(Waiting { function, namespace, variables }) = locals::waiting(cx, number)? else { return Ok(None) };
        if self.frames.len() <= number {
            self.frames.resize_with(number + 1, || None);
        }
        if let Some(known) = &mut self.frames[number] {
            let values =
                variables.into_iter().filter_map(|(name, value)| Some((known.namespace.member(&name)?, value?)));
            values.for_each(|(binding, value)| known.follow(cx, binding, value));
            return Ok(Some(known.namespace));
        }
        let frame = InFrame::new(cx, function, namespace, variables)?;
        let namespace = frame.namespace;
        self.frames[number] = Some(frame);
        Ok(Some(namespace))
    }

    /// The function in which the program stopped is to be left with this value.
    pub fn returns(&mut self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let innermost = self.frames.first().and_then(Option::as_ref);
        if let Some(frame) = innermost {
            // No name of the language: nobody else defines it.
            let binding = frame.namespace.intern(cx.vm(), "returned value");
            let binding = binding.map_err(|error| DeclareError::from(error).throw(cx))?;
            binding.define(cx, cx.get(value));
            self.returned = Some(binding);
        }
        Ok(())
    }

    fn frame(&self) -> Option<&InFrame> {
        self.frames.get(self.selected)?.as_ref()
    }

    /// The namespace of the frame that is looked at.
    pub fn namespace(&self) -> Option<&'static Namespace> {
        self.frame().map(|frame| frame.namespace)
    }

    /// Its function.
    pub fn function(&self) -> &str {
        self.frame().map_or("", |frame| &frame.function)
    }

    /// Where in the text the frame that is looked at waits.
    pub fn excerpt(&self, cx: &Thread, color: bool) -> String {
        let place = trace::waiting_line(cx, self.selected).and_then(|line| line.place);
        place.map_or(String::new(), |(source, span)| report::excerpt(&source, span, color))
    }
}

impl InFrame {
    fn new(
        cx: &mut Thread,
        function: String,
        outer: &'static Namespace,
        variables: Vec<(String, Option<Handle>)>,
    ) -> Result<InFrame, Thrown> {
        let number = LOOKED_AT.fetch_add(1, Ordering::Relaxed) + 1;
        let namespace = declare::namespace(cx, &format!("breakpoint-{number}")).map_err(|error| error.throw(cx))?;
        namespace.stands_in(outer);
        namespace.add_alias(outer.name, outer);
        let place = Place { source: Arc::new(Source::new("breakpoint", "")), span: Span::default() };
        let mut frame = InFrame { function, namespace, variables: Vec::with_capacity(variables.len()) };
        for (name, value) in variables {
            let binding = namespace.intern(cx.vm(), &name).map_err(|error| DeclareError::from(error).throw(cx))?;
            // A variable without a value hides what has its name outside as well.
            binding.set_about(None, Some(place.clone()), None);
            if let Some(value) = value {
                binding.define(cx, cx.get(value));
            }
            frame.variables.push(Variable { binding, version: binding.version() });
        }
        Ok(frame)
    }

    /// A variable has this value now; what an entry has defined under its name stays.
    fn follow(&mut self, cx: &Thread, binding: &'static Binding, value: Handle) {
        let known = self.variables.iter_mut().find(|variable| std::ptr::eq(variable.binding, binding));
        let Some(known) = known.filter(|variable| variable.version == binding.version()) else { return };
        let value = cx.get(value);
        if binding.get(cx).is_none_or(|before| before.word() != value.word()) {
            binding.define(cx, value);
            known.version = binding.version();
        }
    }
}
