//! The reference: records and agreements in plain lists, and what each partner's copy has to be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::facts::Facts;
use super::paper::Paper;

/// Everything there is, as the simulation knows it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) records: Vec<Record>,
    pub(super) feeds: Vec<Feed>,
}

/// A record of the granting agency.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) facts: Facts,
    pub(super) is_withdrawn: bool,
    /// By its owner, or since a person in it is in danger.
    pub(super) is_restricted: bool,
    pub(super) is_erased: bool,
    /// The day on which it last became due to be decided on.
    since: u64,
    /// The last day before it is erased.
    kept_until: Option<u64>,
}

/// A correction that brings the last day forward does so with this notice.
const NOTICE_DAYS: u64 = 30;

/// An agreement, and what its partner has.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) paper: Paper,
    pub(super) is_suspended: bool,
    /// The day of its newest version.
    pub(super) since: u64,
    /// What the partner held after its last pull, by the record's place.
    held: BTreeMap<usize, Held>,
}

/// What a partner's copy has to hold of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    /// This, and whether it may stay once the agreement is not in force.
    Shown { document: Value, stays: bool, linked: bool },
    /// Its present version waits for the end of a period: until then the one before may be there or not. Whether the present one
    /// may be there too, since it was before the agreement's newest version.
    Waits { may_be_present: bool },
    /// What its agreement's newest version made of it was never pulled while that was in force: it may be there or not.
    Unsure,
}

impl Held {
    /// Whether it may stay when the agreement is not in force any more, or is in force in another version. What waits as a correction
    /// may not: what is wrong does not stay, and what is right will not come.
    fn may_stay(&self) -> bool {
        matches!(self, Self::Shown { stays: true, .. } | Self::Waits { may_be_present: true } | Self::Unsure)
    }
}

impl Record {
    pub(super) fn may_leave(&self) -> bool {
        !self.is_withdrawn && !self.is_restricted && !self.is_erased
    }

    /// Whether the owner can still change it: what is over may be erased by anybody's next look.
    pub(super) fn is_open(&self, today: u64) -> bool {
        !self.is_withdrawn && !self.is_erased && self.facts.last_day.is_none_or(|last| today <= last)
    }
}

impl Feed {
    pub(super) fn new(paper: Paper, today: u64) -> Self {
        Self { paper, is_suspended: false, since: today, held: BTreeMap::new() }
    }

    pub(super) fn is_in_force(&self, today: u64) -> bool {
        !self.is_suspended && today <= self.paper.last_day
    }

    /// A later version ends a suspension.
    pub(super) fn activated(&mut self, paper: Paper, today: u64) {
        let mut held = std::mem::take(&mut self.held);
        held.retain(|_, held| held.may_stay());
        held.values_mut().for_each(|held| *held = Held::Unsure);
        *self = Self { paper, is_suspended: false, since: today, held };
    }
}

impl Model {
    pub(super) fn submitted(&mut self, id: String, facts: Facts, today: u64) {
        let (is_withdrawn, is_restricted, is_erased) = (false, false, false);
        let (since, kept_until) = (today, facts.last_day);
        let record = Record { id, version: 1, facts, is_withdrawn, is_restricted, is_erased, since, kept_until };
        self.records.push(record);
    }

    pub(super) fn corrected(&mut self, record: usize, facts: Facts, today: u64) {
        let corrected = &mut self.records[record];
        corrected.version += 1;
        let notice = today + NOTICE_DAYS;
        let earlier = corrected.kept_until.map_or(notice, |last| last.min(notice));
        corrected.kept_until = facts.last_day.map(|last| last.max(earlier));
        (corrected.facts, corrected.since) = (facts, today);
        self.recalled(record);
    }

    pub(super) fn withdrawn(&mut self, record: usize) {
        self.records[record].is_withdrawn = true;
        self.recalled(record);
    }

    /// Restricted, or a person in it is in danger.
    pub(super) fn restricted(&mut self, record: usize) {
        self.records[record].is_restricted = true;
        self.recalled(record);
    }

    pub(super) fn freed(&mut self, record: usize, today: u64) {
        (self.records[record].is_restricted, self.records[record].since) = (false, today);
    }

    pub(super) fn erased(&mut self, record: usize) {
        self.records[record].is_erased = true;
        self.recalled(record);
    }

    /// What is over is erased, but for what a restriction keeps.
    pub(super) fn expire(&mut self, today: u64) {
        for record in 0..self.records.len() {
            let known = &self.records[record];
            let is_over = known.kept_until.is_some_and(|last| last < today);
            if is_over && !known.is_restricted && !known.is_erased {
                self.erased(record);
            }
        }
    }

    /// What was released of it has to go from every copy; what is in force now says what comes instead.
    fn recalled(&mut self, record: usize) {
        for feed in &mut self.feeds {
            feed.held.remove(&record);
        }
    }

    /// What a partner's copy has to be after a pull of all there is, once the releaser has come to rest.
    pub(super) fn pulled(&mut self, feed: usize, today: u64) -> BTreeMap<usize, Held> {
        let feed = &mut self.feeds[feed];
        if feed.is_in_force(today) {
            let all = self.records.iter().enumerate();
            feed.held = all.filter_map(|(place, record)| Some((place, held(feed, record, today)?))).collect();
        } else {
            feed.held.retain(|_, held| held.may_stay());
            for held in feed.held.values_mut().filter(|held| matches!(held, Held::Waits { .. })) {
                *held = Held::Unsure;
            }
        }
        feed.held.clone()
    }

    /// What a copy would have to hold of a record, had its partner pulled all there is.
    pub(super) fn held_now(&self, feed: usize, record: usize, today: u64) -> Option<Held> {
        held(&self.feeds[feed], &self.records[record], today)
    }

    /// A partner has pulled while the releaser was at work: what it got of what may stay is not known.
    pub(super) fn glanced(&mut self, feed: usize, today: u64) {
        let feed = &mut self.feeds[feed];
        if !feed.is_in_force(today) {
            return;
        }
        for (place, record) in self.records.iter().enumerate().filter(|(_, record)| record.may_leave()) {
            if feed.paper.grants(&record.facts, today).is_some_and(|clause| clause.copies_stay) {
                feed.held.insert(place, Held::Unsure);
            }
        }
    }

    /// Whether a partner may be shown a record at this moment.
    pub(super) fn may_be_shown(&self, feed: usize, record: usize, today: u64) -> bool {
        let (feed, record) = (&self.feeds[feed], &self.records[record]);
        feed.is_in_force(today) && record.may_leave() && feed.paper.grants(&record.facts, today).is_some()
    }
}

fn held(feed: &Feed, record: &Record, today: u64) -> Option<Held> {
    let clause = feed.paper.grants(&record.facts, today).filter(|_| record.may_leave())?;
    let (is_over, is_over_since_activation) =
        (clause.period.is_over(record.since, today), clause.period.is_over(feed.since, today));
    if !is_over || !is_over_since_activation {
        // A version that was live before may have stayed so.
        return Some(Held::Waits { may_be_present: !is_over_since_activation });
    }
    let (document, stays) = (clause.shows(&record.facts), clause.copies_stay);
    Some(Held::Shown { document, stays, linked: clause.links(&record.facts) })
}
