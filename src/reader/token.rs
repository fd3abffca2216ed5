//! Tokens: what the lexer makes of a text.
//!
//! Owns their kinds and their form. Must not know how they are found, nor which may follow one another.

use super::tree::Span;

/// What a token is.
#[rustfmt::skip]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// The end of the text; the last token, always there.
    Eof,
    /// Something that was reported already.
    Bad,
    /// A name.
    Ident,
    /// A whole number in any base.
    Int,
    /// A number with a point or an exponent.
    Float,
    /// `:name` or `:"any text"`, the colon included.
    Keyword,
    /// A string without interpolation, quotes included.
    Str,
    /// `"…${`
    StrHead,
    /// `}…${`
    StrMiddle,
    /// `}…"`
    StrTail,
    // Brackets and punctuation.
    OpenParen, CloseParen, OpenBracket, CloseBracket, OpenBrace, CloseBrace, OpenSet,
    Comma, Semicolon, Colon, Dot, Ellipsis, Arrow, Assign,
    // Operators.
    Plus, PlusPlus, Minus, Star, Slash, Percent, Amp, AmpAmp, Bar, BarBar, Pipe, PipeLast, Caret,
    ShiftLeft, ShiftRight, ShiftRightLogical, Less, LessEqual, Greater, GreaterEqual, EqualEqual, NotEqual, Bang,
    // Reserved words.
    Break, Catch, Continue, Else, False, Finally, Fn, For, If, In, Infinity, Let, LetOnce, Loop, Match, Mut, Nan, Null,
    Return, Throw, True, Try, While,
}

impl Kind {
    /// Whether it is a name or a reserved word: whatever may stand after a dot or in a path.
    pub fn is_word(self) -> bool {
        self == Kind::Ident || self.is_reserved()
    }

    /// Is it a word that cannot be a name?
    pub fn is_reserved(self) -> bool {
        self as u8 >= Kind::Break as u8
    }

    /// An opening bracket.
    pub fn opens(self) -> bool {
        matches!(self, Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace | Kind::OpenSet)
    }

    /// A closing bracket.
    pub fn closes(self) -> bool {
        matches!(self, Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace)
    }
}

/// A token. Small and flat, because there are many.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What it is.
    pub kind: Kind,
    /// See [`Token::NEWLINE`] and its neighbours.
    pub flags: u8,
}

impl Token {
    /// A line break stands before the token.
    pub const NEWLINE: u8 = 1;
    /// Space, a line break or a comment stands before the token.
    pub const SPACE: u8 = 2;
    /// A doc comment stands before the token.
    pub const DOC: u8 = 4;
    /// A string whose text differs from what stands in the file (escapes, CRLF).
    pub const ESCAPED: u8 = 8;

    /// Where it stands.
    pub fn span(self) -> Span {
        Span { start: self.start, end: self.end }
    }

    /// Whether it is the first on its line.
    pub fn newline(self) -> bool {
        self.flags & Token::NEWLINE != 0
    }

    /// Whether anything stands between it and the token before.
    pub fn spaced(self) -> bool {
        self.flags & Token::SPACE != 0
    }
}
