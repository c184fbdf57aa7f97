//! `cargo xtask pictures`: the screenshots in `docs/pictures`, taken of the real dashboard on the real stack.
//!
//! Three services share one Envoy. One has had its promotion, one is on its way, and one has a route that begins to fail while
//! somebody looks at its page. Every picture has a fixed size and a bound on its bytes. What is shown depends on chance
//! and on the clock, so two runs differ in digits and not in what they tell.

mod play;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::browser::stage::Stage;
use crate::browser::{Page, Window};
use crate::workspace::Workspace;

/// Bytes of a picture at most.
const BYTES_MAX: u64 = 150_000;
/// Where they lie, below the root.
const FOLDER: &str = "docs/pictures";
/// What a reader of the docs sees without scrolling.
const SCREEN: Window = Window { width: 1_280, height: 800, dark: false, scripts: true, person: false };

/// Takes all pictures, and puts them in place once all of them are taken.
///
/// # Errors
/// When a part cannot be built or started, a page does not show what it should, or a picture is too large.
pub async fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_native()?;
    workspace.build_wasm()?;
    let stage = Stage::set(workspace, "pictures").await?;
    let fresh = stage.folder().join("pictures");
    fs::create_dir_all(&fresh)?;
    let album = Album { folder: fresh };
    let played = play::play(stage, &album).await?;
    album.publish(&workspace.root().join(FOLDER))?;
    played.clear().await
}

/// The pictures taken so far.
struct Album {
    folder: PathBuf,
}

impl Album {
    /// Takes one of what is seen.
    async fn take(&self, page: &Page<'_>, name: &str) -> Result<()> {
        let file = self.folder.join(format!("{name}.png"));
        page.picture(&file, false).await.with_context(|| format!("the picture {name}"))?;
        let bytes = fs::metadata(&file)?.len();
        writeln!(std::io::stderr(), "{name}.png {} KB", bytes / 1_000)?;
        ensure!(bytes <= BYTES_MAX, "{name}.png has {bytes} bytes, {BYTES_MAX} are allowed");
        Ok(())
    }

    /// Replaces the pictures in `place`.
    fn publish(&self, place: &Path) -> Result<()> {
        fs::create_dir_all(place)?;
        for old in fs::read_dir(place)? {
            let path = old?.path();
            if path.extension().is_some_and(|kind| kind == "png") {
                fs::remove_file(path)?;
            }
        }
        for taken in fs::read_dir(&self.folder)? {
            let taken = taken?;
            fs::copy(taken.path(), place.join(taken.file_name()))?;
        }
        Ok(())
    }
}
