//! What kind of phone a User-Agent tells of, whatever its version.

/// The longest that is told, in characters.
const LONGEST: usize = 48;

/// The name without what comes from the first version on: `Yealink SIP-T46S 66.84.0.15` is a
/// `Yealink SIP-T46S`.
pub(super) fn family(agent: &str) -> String {
    let words = agent.split([' ', '/']).filter(|word| !word.is_empty());
    let is_version = |word: &str| {
        let number = word.trim_start_matches(['v', 'V', '(']);
        number.starts_with(|first: char| first.is_ascii_digit())
    };
    let mut family = String::new();
    for (at, word) in words.enumerate() {
        if at > 0 && is_version(word) {
            break;
        }
        if at > 0 {
            family.push(' ');
        }
        family.push_str(word);
    }
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    family.chars().take(LONGEST).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_left_out() {
        for (agent, expected) in [
            ("Yealink SIP-T46S 66.84.0.15", "Yealink SIP-T46S"),
            ("PolycomVVX-VVX_410-UA/5.9.6.2327", "PolycomVVX-VVX_410-UA"),
            ("Grandstream GXP2170 1.0.11.48", "Grandstream GXP2170"),
            ("snomD785/10.1.169.13", "snomD785"),
            ("Bria 6 release 6.5.1 stamp 109801", "Bria"),
            ("baresip v3.14.0 (x86_64/Linux)", "baresip"),
            ("3CXPhone 6.0", "3CXPhone"),
            ("", ""),
            (" / ", ""),
            ("a\u{1b}[31m\nb", "a [31m b"),
        ] {
            assert_eq!(family(agent), expected, "{agent:?}");
        }
        assert_eq!(family(&"ü".repeat(300)).chars().count(), LONGEST);
    }
}
