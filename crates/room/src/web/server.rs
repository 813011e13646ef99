//! The page's server: routes, live updates, and who may ask.
//!
//! What must stay true: a name that leads to this machine by somebody else's word (DNS rebinding) opens nothing;
//! nothing is changed by any request; the number of live pages has a limit.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::hosts::Hosts;
use super::shared::{SharedRoom, lock};
use super::{assets, live};
use crate::metrics;
use crate::seen::Key;

/// Pages that are told live at a time.
const LIVE_MAX: usize = 64;
/// What text of measurements is called (OpenMetrics).
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A port that pages or measurements are served at.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Server {
    /// Listens at `addr`. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// If the address can't be had.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Shows a room until `stop` is cancelled. `details` hears which machine somebody looks at closely.
    ///
    /// # Errors
    /// If the port fails.
    pub async fn show(
        self,
        room: SharedRoom,
        details: mpsc::Sender<Key>,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let app = App {
            registry: Arc::new(metrics::of_room(Arc::clone(&room))),
            room,
            details,
            live: Arc::new(Semaphore::new(LIVE_MAX)),
            instance: u64::from(std::process::id()),
            stop: stop.clone(),
        };
        let router = Router::new()
            .route("/", get(assets::page))
            .route("/machine/{key}", get(assets::page))
            .route("/room.js", get(assets::script))
            .route("/room.css", get(assets::style))
            .route("/room.json", get(room_json))
            .route("/room.csv", get(room_csv))
            .route("/machine/{key}/json", get(machine_json))
            .route("/events", get(live::room))
            .route("/machine/{key}/events", get(live::machine))
            .route("/metrics", get(room_metrics))
            .with_state(app);
        self.run(router, stop).await
    }

    /// Serves measurements until `stop` is cancelled.
    ///
    /// # Errors
    /// If the port fails.
    pub async fn measure(self, registry: Registry, stop: CancellationToken) -> io::Result<()> {
        let registry = Arc::new(registry);
        let router = Router::new()
            .route("/metrics", get(only_metrics))
            .with_state(registry);
        self.run(router, stop).await
    }

    async fn run(self, router: Router, stop: CancellationToken) -> io::Result<()> {
        let hosts = Arc::new(Hosts::of_this_machine());
        let router = router.layer(middleware::from_fn_with_state(hosts, guard));
        let serving = axum::serve(self.listener, router);
        serving
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await
    }
}

/// Sends away who was led here by a strange name, and tells browsers to trust nothing from elsewhere.
async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    if !host.is_some_and(|host| hosts.allows(host.as_bytes())) {
        let words = "this page opens by an address of this machine, its name, or localhost\n";
        return (StatusCode::MISDIRECTED_REQUEST, words).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

async fn room_json(State(app): State<App>) -> Response {
    let view = lock(&app.room).view(Instant::now());
    json(&view)
}

async fn room_csv(State(app): State<App>) -> Response {
    let table = lock(&app.room).csv(Instant::now());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"room.csv\"",
        ),
    ];
    (headers, table).into_response()
}

async fn machine_json(State(app): State<App>, Path(key): Path<Key>) -> Response {
    let view = lock(&app.room).machine(key, Instant::now());
    match view {
        Some(view) => json(&view),
        None => (StatusCode::NOT_FOUND, "no such machine\n").into_response(),
    }
}

async fn room_metrics(State(app): State<App>) -> Response {
    encoded(&app.registry)
}

async fn only_metrics(State(registry): State<Arc<Registry>>) -> Response {
    encoded(&registry)
}

fn encoded(registry: &Registry) -> Response {
    match metrics::text(registry) {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
