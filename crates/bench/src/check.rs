//! What a benchmark found, beside what it is held to.

use std::fmt::{self, Display};
use std::io::Write;

use causeway_rig::Failed;
use serde_json::{Value, json};

use crate::machine::Machine;

/// One number that was measured.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// As `records/s`, `ms`, `us`, `bytes`, `ratio`.
    pub(crate) unit: &'static str,
    pub(crate) aim: Option<Aim>,
}

/// What a number is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Check {
    /// A number that nothing is held to.
    pub(crate) fn shown(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, aim: None }
    }

    /// A number that is to be so large or larger.
    pub(crate) fn at_least(name: impl Into<String>, value: f64, unit: &'static str, aim: f64) -> Self {
        Self { aim: Some(Aim::AtLeast(aim)), ..Self::shown(name, value, unit) }
    }

    /// A number that is to be so small or smaller.
    pub(crate) fn at_most(name: impl Into<String>, value: f64, unit: &'static str, aim: f64) -> Self {
        Self { aim: Some(Aim::AtMost(aim)), ..Self::shown(name, value, unit) }
    }

    /// Whether it is as it is to be; none where nothing is held to it.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.aim.map(|aim| match aim {
            Aim::AtLeast(least) => self.value >= least,
            Aim::AtMost(most) => self.value <= most,
        })
    }

    /// It over what it is held to.
    fn of_aim(&self) -> Option<f64> {
        self.aim.map(|(Aim::AtLeast(aim) | Aim::AtMost(aim))| self.value / aim)
    }

    fn json(&self) -> Value {
        let aim = self.aim.map(|aim| aim.to_string());
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "aim": aim, "met": self.is_met() })
    }
}

impl Display for Aim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(out, ">= {}", Short(*least)),
            Self::AtMost(most) => write!(out, "<= {}", Short(*most)),
        }
    }
}

/// A number with as many places as are worth reading.
struct Short(f64);

impl Display for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            size if size >= 100.0 || size.fract() < f64::EPSILON => write!(out, "{:.0}", self.0),
            size if size >= 10.0 => write!(out, "{:.1}", self.0),
            size if size >= 0.1 => write!(out, "{:.2}", self.0),
            _ => write!(out, "{:.4}", self.0),
        }
    }
}

/// Prints what was found, one line each with how much of its aim it is, or as one JSON object:
/// `{"machine":{},"checks":[{"name","value","unit","aim","met"}]}`.
pub(crate) fn print(machine: &Machine, checks: &[Check], as_json: bool) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let checks: Vec<Value> = checks.iter().map(Check::json).collect();
        writeln!(out, "{}", json!({ "machine": machine.json(), "checks": checks }))?;
        return Ok(());
    }
    writeln!(out, "{machine}")?;
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    for check in checks {
        let aim = check.aim.map(|aim| aim.to_string()).unwrap_or_default();
        let met = match check.is_met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let value = Short(check.value).to_string();
        let times = check.of_aim().map(|times| format!("{times:.2} of it")).unwrap_or_default();
        let line = format!("{:<width$}  {value:>10} {:<12} {aim:<12} {met:<6} {times}", check.name, check.unit);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_up_to_its_bound() {
        assert_eq!(Check::at_least("a", 2.0, "x", 2.0).is_met(), Some(true));
        assert_eq!(Check::at_least("a", 1.9, "x", 2.0).is_met(), Some(false));
        assert_eq!(Check::at_most("a", 2.1, "x", 2.0).is_met(), Some(false));
        assert_eq!(Check::at_most("a", f64::NAN, "x", 2.0).is_met(), Some(false), "what was not measured is not met");
        assert_eq!(Check::shown("a", 2.0, "x").is_met(), None);
        assert_eq!(Check::at_most("a", 1.0, "x", 2.0).of_aim(), Some(0.5));
    }

    #[test]
    fn numbers_are_shown_short() {
        let shown = |number| Short(number).to_string();
        assert_eq!(
            [shown(51_234.6), shown(12.34), shown(0.567), shown(0.001_23), shown(3.0)],
            ["51235", "12.3", "0.57", "0.0012", "3"]
        );
    }
}
