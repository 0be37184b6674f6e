//! What somebody else wrote, as text that a terminal shows and does nothing else with.

/// The text with every character replaced that could end the line, move the cursor, change the terminal or turn the direction of
/// writing.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// JSON with the same characters written as `\uXXXX`: they stand within its strings only, and every reader of JSON gives them back.
pub fn plain_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match acts(c) {
            // None of them is above U+FFFF.
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
    }
    text
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

    #[test]
    fn json_keeps_what_acts_and_does_not_show_it() {
        let hostile = "refused\n\u{1b}[2J\u{9b}31m\u{202e}gnol\u{2028}\u{7f}\u{feff}\"\\ Tiranë";
        let json = plain_json(&serde_json::to_string(hostile).expect("a text"));
        assert!(json.chars().all(|c| !acts(c)) && json.contains("Tiranë"), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), hostile);
    }
}
