//! The deploy-tool example does its job as a program of its own.

use std::path::PathBuf;
use std::process::Command;

use swarmcopy::{MakeOptions, make};

/// Where `cargo test` puts examples; building this test alone does not make them.
fn example(name: &str) -> Option<PathBuf> {
    let here = std::env::current_exe().unwrap();
    let path = here.parent()?.parent()?.join("examples").join(name);
    path.with_extension(std::env::consts::EXE_EXTENSION)
        .exists()
        .then_some(path)
}

#[test]
fn the_deploy_tool_copies_a_tree() {
    let Some(deploy) = example("deploy") else {
        eprintln!(
            "skipped: the_deploy_tool_copies_a_tree: examples are built by `cargo test --workspace`"
        );
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("share/CS5");
    std::fs::create_dir_all(&tree).unwrap();
    std::fs::write(tree.join("setup.exe"), vec![5; 300_000]).unwrap();
    let made = make(&MakeOptions::new(&tree), &|_| {}).unwrap();
    let target = dir.path().join("target");
    let ran = Command::new(deploy)
        .arg(made.torrent)
        .arg(dir.path().join("share"))
        .arg(&target)
        .output();
    let ran = ran.unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        std::fs::read(target.join("CS5/setup.exe")).unwrap(),
        vec![5; 300_000]
    );
}
