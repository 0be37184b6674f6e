//! Which span of time.

use clap::Args;

use super::moment::Moment;
use crate::Failure;

/// Which span of time; all of it where nothing is said.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "When")]
pub(crate) struct Span {
    /// From this time on: a date (UTC), or as 2026-03-31T18:30:00Z.
    #[arg(long, value_name = "TIME")]
    from_time: Option<Moment>,
    /// Before this time; a date is the last day.
    #[arg(long, value_name = "TIME")]
    to_time: Option<Moment>,
    /// Both at once; where the second is a date, that day is in it.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["from_time", "to_time"])]
    between: Option<Vec<Moment>>,
}

impl Span {
    /// First microsecond, and the first after it; 0 for no bound.
    ///
    /// # Errors
    /// A span that ends before it begins.
    pub(crate) fn micros(&self) -> Result<(u64, u64), Failure> {
        let (from, to) = match self.between.as_deref() {
            Some([from, to]) => (Some(*from), Some(*to)),
            _ => (self.from_time, self.to_time),
        };
        let (first, after) = (from.map_or(0, Moment::first), to.map_or(0, Moment::after));
        match to {
            Some(_) if after <= first => Err(Failure::usage("the time ends before it begins")),
            _ => Ok((first, after)),
        }
    }

    /// As [`micros`](Self::micros), for a question that is about a span.
    ///
    /// # Errors
    /// No beginning, no end, or the end before the beginning.
    pub(crate) fn bounded(&self) -> Result<(u64, u64), Failure> {
        match self.micros()? {
            (0, _) | (_, 0) => {
                Err(Failure::usage("say of which time: --between A B, as --between 2026-01-01 2026-03-31"))
            }
            bounds => Ok(bounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: Option<&str>, to: Option<&str>) -> Span {
        let moment = |text: &str| text.parse().expect("a moment");
        Span { from_time: from.map(moment), to_time: to.map(moment), between: None }
    }

    #[test]
    fn the_last_day_is_in_the_span_and_an_empty_one_is_refused() {
        let between = vec!["2026-01-01".parse().expect("a date"), "2026-01-01".parse().expect("a date")];
        let day = Span { between: Some(between), ..Span::default() }.bounded().expect("one day");
        assert_eq!(day.1 - day.0, 86_400_000_000);
        assert_eq!(Span::default().micros().expect("all"), (0, 0));
        assert!(span(Some("2026-01-02"), Some("2026-01-01")).micros().is_err());
        assert!(span(Some("2026-01-02T00:00:00Z"), Some("2026-01-02T00:00:00Z")).micros().is_err());
        assert!(span(Some("2026-01-02"), None).bounded().is_err());
    }
}
