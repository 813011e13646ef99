//! Gives the program for Windows its version, icon and manifest: paths may be long, text is UTF-8.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=windows");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    winresource::WindowsResource::new()
        .set(
            "FileDescription",
            "swarmcopy: copies large trees to many machines",
        )
        .set("ProductName", "swarmcopy")
        .set("OriginalFilename", "swarmcopy.exe")
        .set_icon("windows/swarmcopy.ico")
        .set_manifest_file("windows/swarmcopy.manifest")
        .compile()
}
