use std::io::Write;

use super::*;

fn all(mut queue: mpsc::Receiver<String>) -> Vec<String> {
    std::iter::from_fn(|| queue.blocking_recv()).collect()
}

fn stop(reading: &Reading) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(reading.stop());
}

/// The next line, waited for at most ten seconds.
fn next(queue: &mut mpsc::Receiver<String>) -> String {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match queue.try_recv() {
            Ok(line) => return line,
            Err(_) if Instant::now() < end => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn lines_are_read_without_empty_ones_and_long_ones_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let long = "x".repeat(3 * LINE_BYTES as usize);
    let bytes = [b"one\n\n  \ntwo \xff\n".as_slice(), long.as_bytes(), b"\nlast"].concat();
    std::fs::write(&path, bytes).unwrap();
    let (lines, queue) = mpsc::channel(10);
    let reading = Source::open(&path, false).unwrap().read_into(lines);
    let read = all(queue);
    assert_eq!(read.len(), 4);
    assert_eq!((read[0].as_str(), read[2].len() as u64, read[3].as_str()), ("one", LINE_BYTES, "last"));
    let Read { lines, shed, fault } = reading.end();
    assert_eq!((lines, shed, fault), (4, 0, None));
}

#[test]
fn a_file_that_is_followed_is_read_from_its_end_on_over_replacement_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "old\n").unwrap();
    let (lines, mut queue) = mpsc::channel(10);
    let reading = Source::open(&path, true).unwrap().read_into(lines);
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"par").unwrap();
    file.write_all(b"ted\n").unwrap();
    assert_eq!(next(&mut queue), "parted");
    let other = folder.path().join("next");
    std::fs::write(&other, "replaced and longer\n").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(next(&mut queue), "replaced and longer");
    std::fs::write(&path, "cut\n").unwrap();
    assert_eq!(next(&mut queue), "cut");
    stop(&reading);
}

#[test]
fn a_file_that_is_followed_no_more_is_read_to_its_end_and_a_pipe_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "old\n").unwrap();
    let (lines, queue) = mpsc::channel(10);
    let reading = Source::open(&path, true).unwrap().read_into(lines);
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"last\nwords").unwrap();
    stop(&reading);
    assert_eq!(all(queue), ["last", "words"]);
    let Read { lines, shed, fault } = reading.end();
    assert_eq!((lines, shed, fault), (2, 0, None));
    let refused = Source::open(folder.path(), true).map(|_| ()).unwrap_err();
    assert!(format!("{refused:?}").contains("only one can be followed"), "{refused:?}");
}

#[test]
fn where_the_reader_may_not_wait_lines_without_room_are_shed_and_counted() {
    let (lines, queue) = mpsc::channel(2);
    let reader = Box::new(io::Cursor::new(b"a\nb\nc\nd\n".to_vec()));
    let source = Source { reader, followed: None, may_wait: false };
    let shared = Shared::default();
    source.read(&lines, &shared).unwrap();
    drop(lines);
    assert_eq!(all(queue), ["a", "b"]);
    assert_eq!((shared.lines.into_inner(), shared.shed.into_inner()), (4, 2));
}
