//! What somebody else wrote, as text that a terminal shows and does nothing else with.

/// The text with every character replaced that could end the line, move the cursor, change the terminal or turn the direction of
/// writing.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether a character acts on what is around it instead of being shown.
fn acts(c: char) -> bool {
    let invisible = matches!(c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    invisible || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal_and_words_stay() {
        let hostile = "refused\n\u{1b}[2J\r\u{9b}31m\u{202e}gnol\u{2028}\u{7f}";
        let shown = plain(hostile);
        assert!(shown.chars().all(|c| !acts(c)), "{shown:?}");
        assert_eq!(plain("Tiranë, Đà Nẵng: “κ”"), "Tiranë, Đà Nẵng: “κ”");
    }
}
