use super::*;

#[test]
fn a_measured_set_shows_its_figures_samples_and_machine_and_nothing_of_a_comparison() {
    let page = render(&fixture::measured());
    let start = page.find("<h4>Time and memory</h4>").unwrap();
    let section = &page
        [start..start + page[start..].find("</details></details>").unwrap_or(20_000).min(page.len() - start)];
    for text in [
        "0.900",
        "0.882 to 0.927",
        "1.250",
        "108.0 ms",
        "555,555",
        "performance.csv",
        "bench-1",
        "Some CPU",
        "compact-one-row",
    ] {
        assert!(section.contains(text), "{text} in {section}");
    }
    assert_eq!(section.matches("<svg class=\"plot\"").count(), 2);
    assert_eq!(page.matches("Time and memory</h4>").count(), 1, "only where something was measured");
}
