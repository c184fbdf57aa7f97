//! What holds of every page.

use serin_e2e::browser::{Page, Window};

/// Looks at a page on a wide screen and on a phone, in light and in dark colours: axe finds nothing, and it does not scroll
/// sideways.
pub(crate) async fn is_sound(page: &Page<'_>, what: &str) {
    let mut complaints = Vec::new();
    for window in [Window::WIDE, Window::WIDE.dark(), Window::PHONE, Window::PHONE.dark()] {
        page.resize(window).await.unwrap();
        let fit = page.fit().await.unwrap();
        if fit.scroll_width > fit.width {
            complaints.push(format!(
                "{} px wide: scrolls to {}: {:?}",
                window.width, fit.scroll_width, fit.sticking_out
            ));
        }
        for violation in page.axe().await.unwrap() {
            complaints.push(format!("{} px, dark {}: {violation}", window.width, window.dark));
        }
    }
    page.resize(Window::WIDE).await.unwrap();
    assert!(complaints.is_empty(), "{what}:\n{}", complaints.join("\n"));
    is_clean(page, what).await;
}

/// The keyboard reaches everything, and one sees where it is.
pub(crate) async fn is_walked_by_keyboard(page: &Page<'_>, what: &str) {
    let walk = page.walk().await.unwrap();
    assert_eq!(walk.missed, Vec::<String>::new(), "{what}: not reached by Tab");
    assert!(walk.meant > 0, "{what}: nothing can be reached");
    for control in &walk.reached {
        assert!(control.outlined, "{what}: the focus is not seen on {control:?}");
        assert!(control.in_view, "{what}: the focus is out of view on {control:?}");
    }
}

/// It asked no other origin, ran into no error and showed no dialog.
pub(crate) async fn is_clean(page: &Page<'_>, what: &str) {
    let notes = page.notes().await.unwrap();
    assert!(notes.are_clean(), "{what}: {notes:?}");
}
