//! `/healthz`, `/readyz` and `/metrics`: counts, and nothing that names anybody (U-164, U-165).

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::run::Desk;
use crate::error::NodeError;

/// Listens at `place` and answers until the task is ended; where it listens.
pub(super) async fn start(
    place: &str,
    desk: Arc<Desk>,
) -> Result<(String, JoinHandle<()>), NodeError> {
    let listener = TcpListener::bind(place).await.map_err(|_| NodeError::PortInUse)?;
    let address = listener.local_addr().map_err(|_| NodeError::PortInUse)?;
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(desk);
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok((address.to_string(), task))
}

async fn healthz(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    match desk.health().await.ok {
        true => (StatusCode::OK, "ok\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stalled\n"),
    }
}

async fn readyz(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let health = desk.health().await;
    match health.reason {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn metrics(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let plain = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    match text(&desk).await {
        Ok(text) => (StatusCode::OK, plain, text),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, plain, String::new()),
    }
}

async fn text(desk: &Desk) -> Result<String, NodeError> {
    let counts = desk.counts().await?;
    let mut page = Page::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.line("build_info", "gauge", &version, 1.0);
    page.gauge("up_seconds", desk.up().as_secs());
    let transport = [("transport", "tcp")];
    page.line("connections", "gauge", &transport, desk.connections() as f64);
    page.gauge("circuits", desk.circuits() as u64);
    page.gauge("envelopes", counts.envelopes as u64);
    page.gauge("stored_bytes", counts.stored_bytes);
    page.gauge("store_limit_bytes", counts.limit_bytes);
    page.gauge("disk_free_bytes", desk.disk().0);
    page.gauge("mailboxes", counts.mailboxes as u64);
    page.gauge("tokens", counts.tokens as u64);
    page.counter("envelopes_accepted_total", counts.accepted);
    for (reason, count) in counts.refused {
        let reason = [("reason", reason)];
        page.line("envelopes_refused_total", "counter", &reason, count as f64);
    }
    page.counter("envelopes_served_total", counts.served);
    page.counter("envelopes_expired_total", counts.expired);
    page.counter("reconcile_rounds_total", counts.reconcile_rounds);
    if let Some(process) = Process::look() {
        page.gauge("open_files", process.files);
        page.gauge("memory_bytes", process.memory);
        page.line("cpu_seconds_total", "counter", &[], process.cpu_seconds);
    }
    Ok(page.text)
}

/// A page of metrics in Prometheus's text format.
#[derive(Default)]
struct Page {
    text: String,
    last: &'static str,
}

impl Page {
    fn gauge(&mut self, name: &'static str, value: u64) {
        self.line(name, "gauge", &[], value as f64);
    }

    fn counter(&mut self, name: &'static str, value: u64) {
        self.line(name, "counter", &[], value as f64);
    }

    fn line(&mut self, name: &'static str, kind: &str, labels: &[(&str, &str)], value: f64) {
        let told = if self.last == name { "" } else { "# TYPE" };
        self.last = name;
        if !told.is_empty() {
            let _ = writeln!(self.text, "{told} hearthlight_relay_{name} {kind}");
        }
        let labels = labels.iter().map(|(key, value)| format!("{key}=\"{value}\""));
        let labels: Vec<String> = labels.collect();
        let braces = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "hearthlight_relay_{name}{braces} {value}");
    }
}

/// What the system says of this process.
struct Process {
    files: u64,
    memory: u64,
    cpu_seconds: f64,
}

impl Process {
    fn look() -> Option<Self> {
        let files = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = resident.trim().trim_end_matches(" kB").parse().ok()?;
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of a program may hold anything, so counting begins behind it.
        let (_, rest) = stat.rsplit_once(')')?;
        let ticks: Vec<u64> = rest.split(' ').skip(12).take(2).flat_map(str::parse).collect();
        Some(Self {
            files,
            memory: kib << 10,
            cpu_seconds: ticks.iter().sum::<u64>() as f64 / TICKS,
        })
    }
}

/// Linux counts the time of processes in these, for every program and machine.
const TICKS: f64 = 100.0;
