//! Pictures of the page, to be looked at: `PARALLAX_PICTURES=DIR cargo test --workspace --features browser pictures`.

use std::path::PathBuf;

use crate::chrome::Browser;
use crate::{fixture, page, redacted, trend};

/// Height of a picture in pixels, and how many of one page are taken.
const PART: u32 = 1800;
const PARTS: u32 = 6;

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn pictures_are_taken_where_a_directory_is_named() {
    let Some(dir) = std::env::var_os("PARALLAX_PICTURES").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&dir).unwrap();
    let mut browser = Browser::start();
    for (name, page) in [
        ("failing", page(&fixture::rich())),
        ("passing", page(&fixture::passing())),
        ("partial", page(&fixture::partial())),
        ("measured", page(&fixture::measured())),
        ("hostile", page(&fixture::hostile())),
        ("trend", trend()),
        ("redacted", redacted()),
    ] {
        for (look, theme, width, height) in
            [("light", "light", 1280, 900), ("dark", "dark", 1280, 900), ("narrow", "light", 390, 844)]
        {
            browser.prefers(theme);
            browser.size(width, height);
            browser.open(&page.file, "");
            // What lies below the window is drawn only when it comes into sight.
            browser.eval(
                "void document.styleSheets[0].insertRule('* { content-visibility: visible !important }')",
            );
            if name == "passing" {
                browser.eval(
                    "document.querySelectorAll('#guide details').forEach((node) => { node.open = true; })",
                );
            }
            let long = browser.eval("document.documentElement.scrollHeight").as_f64().unwrap();
            for part in 0..PARTS {
                if f64::from(part * PART) < long {
                    browser.picture(&dir.join(format!("{name}-{look}-{part}.png")), part * PART, PART);
                }
            }
        }
    }
}
