use document::fixture::selftest as sample;

use super::*;

#[test]
fn families_have_one_table_each_wherever_their_faults_stand() {
    let mut selftest = sample();
    let mut other = selftest.faults[0].clone();
    other.family = "order".to_owned();
    selftest.faults.insert(1, other);
    let page = markdown(&selftest);
    assert_eq!((page.matches("### rows").count(), page.matches("### order").count()), (1, 1), "{page}");
    assert_eq!(page.matches("`lose-row`").count(), 1, "{page}");
}

#[test]
fn every_file_is_written_and_what_is_no_text_of_ours_is_escaped() {
    let dir = tempfile::tempdir().unwrap();
    write_all(&sample(), dir.path()).unwrap();
    for name in FILES {
        assert!(std::fs::metadata(dir.path().join(name)).unwrap().len() > 0, "{name}");
    }
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(serde_json::from_str::<Selftest>(&read("selftest.json")).unwrap(), sample());
    assert!(read("selftest.html").contains("&lt;b&gt;") && !read("selftest.html").contains("<b>"));
    assert!(read("selftest.md").contains("A row \\| is gone."));
    let csv = read("selftest.csv");
    assert!(csv.starts_with("fault,family,corpus,outcome,must,red,must_raise,raised\r\n"), "{csv}");
    assert!(csv.contains("drop-row,rows,one,caught,ROWS,ROWS ORDER,,\r\n"), "{csv}");
    assert!(text(&sample()).contains("something | escaped"));
}
