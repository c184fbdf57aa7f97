//! A page that is open, used as a person uses it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Answer, Browser, Fit, Focused, Found, JOB_DEADLINE, Notes, Violation, Walk};

/// How a page is looked at.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Window {
    /// Width, in CSS pixels.
    pub width: u32,
    /// Height, in CSS pixels.
    pub height: u32,
    /// Dark colours are preferred.
    pub dark: bool,
    /// Scripts run.
    pub scripts: bool,
    /// It is taken for a person's: it does not say that a program drives it.
    pub person: bool,
}

impl Window {
    /// A wide screen.
    pub const WIDE: Self = Self { width: 1_600, height: 1_000, dark: false, scripts: true, person: false };
    /// A phone.
    pub const PHONE: Self = Self { width: 390, height: 844, dark: false, scripts: true, person: false };

    /// The same in dark colours.
    #[must_use]
    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// The same, taken for a person's.
    #[must_use]
    pub fn of_a_person(self) -> Self {
        Self { person: true, ..self }
    }

    /// The same without scripts.
    #[must_use]
    pub fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }
}

/// A page that is open.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
    name: String,
}

/// Moments are told in milliseconds since 1970.
#[derive(Deserialize)]
struct Waited {
    at_ms: u64,
}

impl<'a> Page<'a> {
    pub(super) fn new(browser: &'a Browser, name: &str) -> Self {
        Self { browser, name: name.to_owned() }
    }

    async fn ask_within<T: DeserializeOwned>(&self, job: &str, what: Value, deadline: Duration) -> Result<T> {
        let mut parameters = if let Value::Object(fields) = what { fields } else { Map::new() };
        parameters.insert("page".to_owned(), json!(self.name));
        self.browser.ask(job, Value::Object(parameters), deadline).await
    }

    async fn ask<T: DeserializeOwned>(&self, job: &str, what: Value) -> Result<T> {
        self.ask_within(job, what, JOB_DEADLINE).await
    }

    async fn perform(&self, job: &str, what: Value) -> Result<()> {
        self.ask::<Value>(job, what).await.map(drop)
    }

    /// Goes to another path of the same origin.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn visit(&self, path: &str) -> Result<Answer> {
        self.ask("visit", json!({"path": path})).await
    }

    /// Gives the window another size.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn resize(&self, window: Window) -> Result<()> {
        self.perform("resize", json!({"width": window.width, "height": window.height})).await?;
        self.perform("colours", json!({"dark": window.dark})).await
    }

    /// Clicks what has this role (`link`, `button`, …) and name.
    ///
    /// # Errors
    /// When there is no such thing.
    pub async fn click(&self, role: &str, name: &str) -> Result<()> {
        self.perform("click", json!({"role": role, "name": name})).await
    }

    /// The same, and waits for the document that it leads to.
    ///
    /// # Errors
    /// When there is no such thing, or it leads nowhere.
    pub async fn follow(&self, role: &str, name: &str) -> Result<Answer> {
        self.ask("click", json!({"role": role, "name": name, "leads": true})).await
    }

    /// The same for the first match of a selector.
    ///
    /// # Errors
    /// When there is no such thing, or it leads nowhere.
    pub async fn follow_first(&self, selector: &str) -> Result<Answer> {
        self.ask("click", json!({"selector": selector, "leads": true})).await
    }

    /// Presses a key, for example `Enter`.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn press(&self, key: &str) -> Result<()> {
        self.perform("press", json!({"key": key})).await
    }

    /// The same, and waits for the document that it leads to.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub async fn press_and_follow(&self, key: &str) -> Result<Answer> {
        self.ask("press", json!({"key": key, "leads": true})).await
    }

    /// Types into what has the focus.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn enter(&self, text: &str) -> Result<()> {
        self.perform("type", json!({"text": text})).await
    }

    /// Fills the field with this label.
    ///
    /// # Errors
    /// When there is none.
    pub async fn fill(&self, label: &str, value: &str) -> Result<()> {
        self.perform("fill", json!({"label": label, "value": value})).await
    }

    /// What is read in the first match of a selector.
    ///
    /// # Errors
    /// When there is no match.
    pub async fn read(&self, selector: &str) -> Result<String> {
        let read: Value = self.ask("read", json!({"selector": selector})).await?;
        Ok(read.get("text").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// All matches of a selector.
    ///
    /// # Errors
    /// When the selector is none.
    pub async fn list(&self, selector: &str) -> Result<Vec<Found>> {
        #[derive(Deserialize)]
        struct List {
            found: Vec<Found>,
        }
        Ok(self.ask::<List>("list", json!({"selector": selector})).await?.found)
    }

    /// Waits until `text` is seen below `selector`, and tells when it was.
    ///
    /// # Errors
    /// When it is not seen by the deadline.
    pub async fn sees(&self, selector: &str, text: &str, deadline: Duration) -> Result<SystemTime> {
        let what = json!({"selector": selector, "text": text});
        let waited: Waited = self.ask_within("wait", what, deadline).await?;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(waited.at_ms))
    }

    /// Waits until `text` is not seen any more below `selector`, and tells since when.
    ///
    /// # Errors
    /// When it is still seen at the deadline.
    pub async fn loses(&self, selector: &str, text: &str, deadline: Duration) -> Result<SystemTime> {
        let what = json!({"selector": selector, "text": text, "gone": true});
        let waited: Waited = self.ask_within("wait", what, deadline).await?;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(waited.at_ms))
    }

    /// How it fits its window.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn fit(&self) -> Result<Fit> {
        self.ask("fit", json!({})).await
    }

    /// What axe finds in it.
    ///
    /// # Errors
    /// When axe does not end.
    pub async fn axe(&self) -> Result<Vec<Violation>> {
        #[derive(Deserialize)]
        struct Report {
            violations: Vec<Violation>,
        }
        Ok(self.ask_within::<Report>("axe", json!({}), 2 * JOB_DEADLINE).await?.violations)
    }

    /// Walks through it by the keyboard.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn walk(&self) -> Result<Walk> {
        self.ask_within("walk", json!({}), 2 * JOB_DEADLINE).await
    }

    /// Presses Tab until the control of this name, or of a label that begins so, has the focus.
    ///
    /// # Errors
    /// When it is not reached.
    pub async fn tab_to(&self, control: &str) -> Result<Focused> {
        #[derive(Deserialize)]
        struct Reached {
            focused: Focused,
        }
        Ok(self.ask_within::<Reached>("tab_to", json!({"control": control}), 2 * JOB_DEADLINE).await?.focused)
    }

    /// What has the focus.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn focused(&self) -> Result<Option<Focused>> {
        #[derive(Deserialize)]
        struct Now {
            focused: Option<Focused>,
        }
        Ok(self.ask::<Now>("focused", json!({})).await?.focused)
    }

    /// Lets a page of the origin of `from` send a form to `to` with this page's cookies, as a hostile site would.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn lure(&self, from: &str, to: &str, fields: &Value) -> Result<Answer> {
        self.ask("lure", json!({"from": from, "to": to, "fields": fields})).await
    }

    /// What was noted beside it since it was opened.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn notes(&self) -> Result<Notes> {
        self.ask("notes", json!({})).await
    }

    /// Writes what is seen to a file; with `whole`, what one would see by scrolling, too.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn picture(&self, file: &Path, whole: bool) -> Result<()> {
        self.perform("picture", json!({"file": file, "whole": whole})).await
    }
}
