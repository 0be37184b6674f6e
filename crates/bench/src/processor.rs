//! The processor time that this process has used, which a busy machine changes less than it changes the time that passes.

/// Seconds so far, of all threads; 0 where the system does not say it.
pub(crate) fn seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name may hold spaces; the fields after its parenthesis count on from 3, in hundredths of a second.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
