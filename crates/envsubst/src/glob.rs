//! Shell patterns whose `*` and `?` also match `/`.

/// A parsed pattern.
pub(crate) struct Pattern {
    tokens: Vec<Token>,
}

enum Token {
    Any,
    Star,
    One(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// None where the pattern is malformed: an open bracket, an empty set, a trailing backslash.
    pub(crate) fn parse(pattern: &[char]) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some((&c, after)) = rest.split_first() {
            rest = after;
            match c {
                '*' if matches!(tokens.last(), Some(Token::Star)) => {}
                '*' => tokens.push(Token::Star),
                '?' => tokens.push(Token::Any),
                '[' => tokens.push(set(&mut rest)?),
                '\\' => {
                    let (&escaped, after) = rest.split_first()?;
                    rest = after;
                    tokens.push(Token::One(escaped));
                }
                c => tokens.push(Token::One(c)),
            }
        }
        Some(Self { tokens })
    }

    /// How many characters of `text` the shortest or longest matching, not empty prefix has; 0 where none
    /// matches. None when `steps` are used up.
    pub(crate) fn prefix(&self, text: &[char], longest: bool, steps: &mut usize) -> Option<usize> {
        // reached[i]: the first i tokens match the characters so far.
        let mut reached = vec![false; self.tokens.len() + 1];
        reached[0] = true;
        self.skip_stars(&mut reached);
        let mut found = 0;
        for (read, &c) in text.iter().enumerate() {
            *steps = steps.checked_sub(reached.len())?;
            let mut next = vec![false; reached.len()];
            for (i, token) in self.tokens.iter().enumerate() {
                if reached[i] && token.accepts(c) {
                    next[i + usize::from(!matches!(token, Token::Star))] = true;
                }
            }
            self.skip_stars(&mut next);
            reached = next;
            if reached[self.tokens.len()] {
                found = read + 1;
                if !longest {
                    break;
                }
            }
            if !reached.contains(&true) {
                break;
            }
        }
        Some(found)
    }

    fn skip_stars(&self, reached: &mut [bool]) {
        for (i, token) in self.tokens.iter().enumerate() {
            if reached[i] && matches!(token, Token::Star) {
                reached[i + 1] = true;
            }
        }
    }
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::Any | Self::Star => true,
            Self::One(one) => *one == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// What follows `[`, its `]` included.
fn set(rest: &mut &[char]) -> Option<Token> {
    let negated = rest.first() == Some(&'^');
    if negated {
        *rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if rest.first() == Some(&']') && !ranges.is_empty() {
            *rest = &rest[1..];
            return Some(Token::Set { negated, ranges });
        }
        let low = member(rest)?;
        let mut high = low;
        if rest.first() == Some(&'-') {
            *rest = &rest[1..];
            high = member(rest)?;
        }
        ranges.push((low, high));
    }
}

fn member(rest: &mut &[char]) -> Option<char> {
    let (&c, after) = rest.split_first()?;
    *rest = after;
    match c {
        '-' | ']' => None,
        '\\' => {
            let (&escaped, after) = rest.split_first()?;
            *rest = after;
            Some(escaped)
        }
        c => Some(c),
    }
}
