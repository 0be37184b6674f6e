//! Cubes: what is published, what is not, and that nobody can tell the difference by adding and subtracting.

use causeway_cells::Error;
use causeway_cells::cube::{Counts, Cube, Dimension, Level, Rules, Shown, Table};

use crate::oracle::{Truth, tells};
use crate::random::Random;

fn dimension(name: usize, size: usize) -> Dimension {
    Dimension { name: format!("d{name}"), categories: (0..size).map(|code| format!("c{code}")).collect() }
}

fn counts(truth: &Truth) -> Counts {
    let dimensions = truth.sizes.iter().enumerate().map(|(name, size)| dimension(name, *size)).collect();
    let mut counts = Counts::new(dimensions).expect("a small cube");
    for cell in 0..truth.counts.len() {
        let codes = truth.codes(cell);
        counts.add_many(&codes, u32::try_from(truth.counts[cell]).expect("small")).expect("its own codes");
        counts.see(&codes, u32::try_from(truth.visible[cell]).expect("small")).expect("its own codes");
    }
    counts
}

fn truth(sizes: &[usize], numbers: &[i64]) -> Truth {
    Truth { sizes: sizes.to_vec(), counts: numbers.to_vec(), visible: vec![0; numbers.len()] }
}

fn protect(truth: &Truth, threshold: u32, base: u32) -> Cube {
    let rules = Rules::new(threshold, base).expect("rules in range");
    Cube::protect(counts(truth), &Level::all(truth.sizes.len()), rules).expect("tables of the cube")
}

fn random_truth(random: &mut Random, sizes: &[usize], threshold: u64) -> Truth {
    let cells = sizes.iter().product();
    let number = |random: &mut Random| match random.below(4) {
        0 => 0,
        1 => random.below(2 * threshold),
        _ => random.below(threshold + 1),
    };
    let counts: Vec<u64> = (0..cells).map(|_| number(random)).collect();
    let mut visible = vec![0; cells];
    if random.below(3) == 0 {
        visible = counts.iter().map(|count| if random.below(2) == 0 { random.below(count + 1) } else { 0 }).collect();
    }
    let signed = |numbers: Vec<u64>| numbers.into_iter().map(|number| i64::try_from(number).expect("small")).collect();
    Truth { sizes: sizes.to_vec(), counts: signed(counts), visible: signed(visible) }
}

#[test]
fn every_small_cell_may_be_large_for_all_that_is_told() {
    let (mut small, mut published) = (0, 0);
    for seed in 0..400 {
        let random = &mut Random(seed);
        let sizes: &[usize] =
            [&[2, 2][..], &[3, 2], &[3, 3], &[2, 2, 2], &[4], &[2, 4]][usize::try_from(seed % 6).unwrap()];
        let threshold = 2 + random.below(3);
        let truth = random_truth(random, sizes, threshold);
        let cube = protect(&truth, u32::try_from(threshold).unwrap(), 1);
        small += cube.audit().unwrap();
        let table = cube.table();
        let levels: Vec<Level> = table.levels().collect();
        published += levels.len();
        let limit = i64::try_from(threshold).unwrap();
        let exposed = truth.exposed(&levels, limit, |_, codes| tells(&table, codes));
        assert!(exposed.is_empty(), "seed {seed}: {sizes:?} {:?} {exposed:?}", truth.counts);
    }
    assert!(small > 300 && published > 800, "the cases are real ones: {small} small cells, {published} tables");
}

#[test]
fn hiding_the_small_cells_alone_would_expose_them() {
    let mut exposed = 0;
    for seed in 0..60 {
        let truth = random_truth(&mut Random(seed), &[3, 2], 3);
        let levels = Level::all(2);
        let told = |level: Level, codes: &[Option<u16>]| {
            let cells = truth.cells(level);
            !cells.iter().any(|(known, members)| known == codes && truth.small(members, 3))
        };
        exposed += truth.exposed(&levels, 3, told).len();
    }
    assert!(exposed > 20, "the oracle finds what only primary suppression gives away: {exposed}");
}

#[test]
fn what_is_published_is_rounded_and_what_is_empty_is_zero() {
    let truth = truth(&[3, 2], &[12, 13, 0, 40, 17, 0]);
    let table = protect(&truth, 11, 5).table();
    let number = |a, b| table.number(&[a, b]).unwrap();
    assert_eq!(number(Some(0), Some(0)), Some(Shown::Count(10)));
    assert_eq!(number(Some(0), Some(1)), Some(Shown::Count(15)));
    assert_eq!(number(Some(1), Some(0)), Some(Shown::Count(0)));
    assert_eq!(number(Some(2), None), Some(Shown::Count(15)));
    assert_eq!(number(None, None), Some(Shown::Count(80)));
    assert_eq!(table.level(Level::of(&[0, 1]).unwrap()).unwrap().len(), 4, "an empty cell is not listed");
    assert_eq!(number_halfway(), Some(Shown::Count(20)));
}

fn number_halfway() -> Option<Shown> {
    protect(&truth(&[1], &[15]), 11, 10).table().number(&[Some(0)]).expect("a cell of the cube")
}

#[test]
fn a_small_cell_takes_others_with_it() {
    let truth = truth(&[3, 3], &[3, 40, 50, 60, 20, 30, 80, 90, 25]);
    let cube = protect(&truth, 11, 5);
    assert_eq!(cube.audit(), Ok(1));
    let table = cube.table();
    let hidden: Vec<Vec<u16>> = table
        .level(Level::of(&[0, 1]).unwrap())
        .unwrap()
        .iter()
        .filter(|cell| cell.shown == Shown::Suppressed)
        .map(|cell| cell.codes.clone())
        .collect();
    assert_eq!(hidden, [vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]], "the cheapest rectangle");
    assert_eq!(table.withheld(), []);
    assert_eq!(table.number(&[Some(0), None]), Ok(Some(Shown::Count(95))));
}

#[test]
fn a_finer_table_takes_little_from_a_coarser_one() {
    let (mut taken, mut finer) = (0, 0);
    for seed in 0..12 {
        let random = &mut Random(seed);
        // Corridors: each place of origin has one destination for most, and few go elsewhere.
        let mut number = |cell: usize| match (cell / 32 == cell % 16, random.below(16)) {
            (true, half) => random.below(40) * (half % 2),
            (false, 0) => random.below(5),
            (false, _) => 0,
        };
        let numbers = (0..16 * 2 * 16).map(|cell| i64::try_from(number(cell)).unwrap());
        let truth = truth(&[16, 2, 16], &numbers.collect::<Vec<_>>());
        let singles: Vec<Level> = Level::all(3).into_iter().filter(|level| level.size() < 2).collect();
        let rules = Rules::new(11, 5).unwrap();
        let alone = Cube::protect(counts(&truth), &singles, rules).unwrap().table();
        let together = protect(&truth, 11, 5).table();
        finer += together.levels().filter(|level| level.size() > 1).count();
        for level in singles {
            let newly = |codes: &[Option<u16>]| tells(&alone, codes) && !tells(&together, codes);
            let cells = truth.cells(level);
            let hidden = cells.iter().filter(|(codes, _)| newly(codes)).map(|(_, members)| truth.persons(members));
            let hidden: i64 = hidden.sum();
            assert!(hidden * 20 <= truth.counts.iter().sum(), "seed {seed}: {hidden} persons hidden in {level:?}");
            taken += hidden;
        }
    }
    assert!(taken > 0 && finer > 12, "some is taken, and finer tables are published: {taken}, {finer}");
}

#[test]
fn fewer_than_the_threshold_in_all_shows_nothing() {
    let table = protect(&truth(&[2, 2], &[3, 0, 4, 1]), 11, 5).table();
    assert_eq!((table.len(), table.withheld().len()), (0, 4));
    assert_eq!(table.number(&[None, None]), Ok(None));
    let table = protect(&truth(&[2], &[0, 0]), 11, 5).table();
    assert_eq!((table.number(&[None]), table.withheld()), (Ok(Some(Shown::Count(0))), &[][..]));
}

#[test]
fn what_a_recipient_sees_is_taken_off() {
    let mut truth = truth(&[2, 2], &[20, 30, 40, 50]);
    truth.visible = vec![17, 0, 0, 0];
    let cube = protect(&truth, 11, 5);
    assert_eq!(cube.table().number(&[Some(0), Some(0)]), Ok(Some(Shown::Suppressed)));
    assert_eq!(cube.audit(), Ok(1));
    truth.visible = vec![20, 0, 0, 0];
    assert_eq!(
        protect(&truth, 11, 5).table().number(&[Some(0), Some(0)]),
        Ok(Some(Shown::Count(20))),
        "nobody remains"
    );
    truth.visible = vec![21, 0, 0, 0];
    let refused = Cube::protect(counts(&truth), &[Level::TOTAL], Rules::new(11, 5).unwrap());
    assert_eq!(refused.map(|_| ()), Err(Error::SeesTooMany));
}

#[test]
fn a_total_of_which_all_but_a_few_are_seen_is_suppressed() {
    let mut truth = truth(&[2], &[20, 30]);
    truth.visible = vec![20, 25];
    let cube = protect(&truth, 11, 5);
    assert!(cube.audit().is_ok());
    assert_eq!(cube.table().number(&[None]), Ok(Some(Shown::Suppressed)));
}

#[test]
fn only_the_tables_asked_for_are_published() {
    let truth = truth(&[2, 3, 2], &[30, 2, 40, 50, 60, 70, 80, 90, 15, 25, 35, 45]);
    let asked = [Level::of(&[0]).unwrap(), Level::of(&[2, 1]).unwrap(), Level::of(&[0]).unwrap()];
    let cube = Cube::protect(counts(&truth), &asked, Rules::new(11, 5).unwrap()).unwrap();
    let table = cube.table();
    assert_eq!(table.levels().collect::<Vec<_>>(), [asked[0], asked[1]]);
    assert_eq!(table.number(&[None, None, None]), Ok(None));
    assert_eq!(format!("{cube:?} {:?}", asked[1]), r#"["d0", "d1", "d2"] {1, 2}"#, "no count is printed");
}

#[test]
fn a_text_is_read_as_it_was_written_and_in_no_other_spelling() {
    for seed in 0..50 {
        let truth = random_truth(&mut Random(seed), &[3, 2, 4], 11);
        let table = protect(&truth, 11, 5).table();
        let text = table.to_json().unwrap();
        assert_eq!(Table::from_json(&text), Ok(table));
        assert!(Table::from_json(&format!(" {text}")).is_err());
    }
    let text = protect(&truth(&[2], &[20, 3]), 3, 3).table().to_json().unwrap();
    let expected = concat!(
        r#"{"threshold":3,"base":3,"dimensions":[{"name":"d0","categories":["c0","c1"]}],"tables":[[],[0]],"#,
        r#""withheld":[],"cells":[[[null],24],[[0],21],[[1],3]]}"#
    );
    assert_eq!(text, expected);
    for (from, to) in [
        (r#""base":3"#, r#""base":4"#),
        (r#"[[1],3]"#, r#"[[1],0]"#),
        (r#"[[1],3]"#, r#"[[1],4]"#),
        (r#"[[1],3]"#, r#"[[2],3]"#),
        (r#"[[1],3]"#, r#"[[0],3]"#),
        (r#"[[1],3]"#, r#"[[1,0],3]"#),
        (r#"[[],[0]]"#, r#"[[]]"#),
        (r#"[[],[0]]"#, r#"[[],[1]]"#),
        (r#"[[],[0]]"#, r#"[[],[0],[0]]"#),
        (r#""withheld":[]"#, r#""withheld":[],"more":1"#),
        (r#""withheld":[]"#, r#""withheld":[[0]]"#),
        (r#"["c0","c1"]"#, r#"["c0","c0"]"#),
    ] {
        assert!(Table::from_json(&text.replace(from, to)).is_err(), "{from} -> {to}");
    }
}

#[test]
fn a_text_beyond_the_limit_says_how_many_cells() {
    let truth = truth(&[100, 100], &vec![20; 10_000]);
    let table = protect(&truth, 11, 5).table();
    assert_eq!(table.to_json(), Err(Error::TooLarge { cells: 10_201 }));
    assert!(Table::from_json(&" ".repeat(200_000)).is_err());
}

#[test]
fn what_makes_no_cube_is_refused() {
    let new = |dimensions: Vec<Dimension>| Counts::new(dimensions).map(|_| ());
    assert!(matches!(new(vec![]), Err(Error::Dimensions(_))));
    assert!(matches!(new((0..5).map(|name| dimension(name, 2)).collect()), Err(Error::Dimensions(_))));
    assert!(matches!(new(vec![dimension(1, 2), dimension(1, 3)]), Err(Error::Dimensions(_))));
    assert!(matches!(new(vec![dimension(1, 0)]), Err(Error::Dimensions(_))));
    assert_eq!(new(vec![dimension(0, 2000), dimension(1, 2000)]), Err(Error::TooManyCells));
    let mut counts = Counts::new(vec![dimension(0, 2), dimension(1, 2)]).unwrap();
    assert_eq!(counts.add(&[0, 2]), Err(Error::Code { dimension: 1 }));
    assert_eq!(counts.add(&[0]), Err(Error::Code { dimension: 1 }));
    assert_eq!(counts.add(&[0, 0, 0]), Err(Error::Code { dimension: 2 }));
    let rules = Rules::new(11, 5).unwrap();
    assert_eq!(Cube::protect(counts, &[Level::of(&[2]).unwrap()], rules).map(|_| ()), Err(Error::Level));
    assert_eq!(Level::of(&[4]), Err(Error::Level));
    assert_eq!(Rules::new(0, 1), Err(Error::Parameter("threshold")));
    assert_eq!((Rules::new(11, 0), Rules::new(11, 12)), (Err(Error::Parameter("base")), Err(Error::Parameter("base"))));
}
