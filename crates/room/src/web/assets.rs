//! The page itself: one document, one script, one style sheet, all inside this program.

use axum::http::header;
use axum::response::{Html, IntoResponse};

/// The document; the script draws the room or one machine by the address that it stands at.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("../page/room.html"))
}

pub(super) async fn script() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("../page/room.js"))
}

pub(super) async fn style() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../page/room.css"))
}
