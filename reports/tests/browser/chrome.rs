//! A headless Chromium, driven over the DevTools protocol: as much of it as the tests of the page need.
//!
//! The protocol is JSON, each message ended by a zero byte. `--remote-debugging-pipe` makes the browser read commands from
//! descriptor 3 and write replies and events to descriptor 4; a shell puts our two pipes there. So there is no port, no
//! WebSocket, and no crate whose only use would be these tests (`headless_chrome` brings about a hundred).
//!
//! Cost: about a second to start; each browser has a profile of its own, which is removed at the end.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// After this long without a word from the browser a test gives up. Nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the page took to open, in milliseconds: from the start of the navigation until it was loaded and painted.
pub const OPENED: &str = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(Math.max(
    performance.getEntriesByType('navigation')[0].loadEventEnd,
    ...performance.getEntriesByType('paint').map((paint) => paint.startTime))))))";

/// One browser with one tab.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    last: u64,
    session: Option<String>,
    /// Events since the last [`Browser::open`].
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser with an empty tab of 1280 by 900.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#])
            .arg(program())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser =
            Self { child, to, from, last: 0, session: None, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.size(1280, 900);
        browser
    }

    /// Opens a file, with an anchor where one is given, and waits until it is loaded.
    pub fn open(&mut self, file: &Path, anchor: &str) {
        // From another page, or a changed anchor alone would load nothing.
        self.load("about:blank");
        let path = file.canonicalize().unwrap();
        self.load(&format!("file://{}{anchor}", path.display()));
    }

    fn load(&mut self, address: &str) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": address }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let found = self.call("Runtime.evaluate", asked);
        assert!(found["exceptionDetails"].is_null(), "{expression}: {}", found["exceptionDetails"]);
        found["result"]["value"].clone()
    }

    /// Presses and releases a key: a character, or a named one such as `Enter` and `Tab`.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            " " => 32,
            letter if letter.chars().all(char::is_alphanumeric) => {
                u32::from(letter.chars().next().unwrap().to_ascii_uppercase())
            }
            _ => 0,
        };
        let text = match key {
            "Enter" => "\r",
            other if other.chars().count() == 1 => other,
            _ => "",
        };
        let pressed = json!({ "type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", pressed);
        let released = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", released);
    }

    /// Puts text where the cursor is.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// The reader's setting: `light` or `dark`.
    pub fn prefers(&mut self, theme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": theme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Shows the page as it is printed.
    pub fn on_paper(&mut self) {
        self.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
        self.eval("void dispatchEvent(new Event('beforeprint'))");
    }

    /// Turns the scripts of pages on or off, from the next page on.
    pub fn scripts(&mut self, on: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !on }));
    }

    /// Size of the window in pixels of the page.
    pub fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the console was told, exceptions and messages of the browser itself included.
    pub fn console(&self) -> Vec<String> {
        let told = [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        ];
        self.events_of(&told).map(|event| event["params"].to_string()).collect()
    }

    /// Addresses that were asked for.
    pub fn requests(&self) -> Vec<String> {
        self.events_of(&["Network.requestWillBeSent"])
            .map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    fn events_of<'a>(&'a self, methods: &'a [&str]) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(|event| methods.iter().any(|method| event["method"] == *method))
    }

    /// A picture of a part of the page as a PNG file, from `top` pixels below its beginning.
    pub fn picture(&mut self, file: &Path, top: u32, height: u32) {
        let width = self.eval("document.documentElement.clientWidth");
        let clip = json!({ "x": 0, "y": top, "width": width, "height": height, "scale": 1 });
        let asked = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = self.call("Page.captureScreenshot", asked);
        std::fs::write(file, from_base64(taken["data"].as_str().unwrap())).unwrap();
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("the browser said nothing for two minutes, or it ended")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser: what `PARALLAX_CHROMIUM` names, else the first of the usual names on the path.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("PARALLAX_CHROMIUM") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.iter().flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)));
    found.into_iter().find(|file| file.is_file()).expect(
        "the feature `browser` needs Chromium: install it (apt-get install chromium) or name it in PARALLAX_CHROMIUM",
    )
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let word = chunk.iter().fold(0, |word, &byte| word << 6 | digit(byte)) << (6 * (4 - chunk.len()));
        out.extend(word.to_be_bytes()[1..chunk.len()].iter());
    }
    out
}
