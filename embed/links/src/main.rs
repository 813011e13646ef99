//! Reads metalinks, tells what is in them, and writes one of all their files: `links OUT BASE-URL METALINK..`.

use std::error::Error;

use swarmcopy_metalink::{Address, Document, Writer};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, base, paths @ ..] = args.as_slice() else { return Err("links OUT BASE-URL METALINK..".into()) };
    let base = Address::parse(base)?;
    let mut head = Document::default();
    head.generator = Some("links/1".to_owned());
    let mut writer = Writer::new(&head)?;
    for path in paths {
        let document = Document::parse(&std::fs::read(path)?, Some(&base))?;
        for file in &document.files {
            let hash = file.strongest().map_or("no hash", |hash| hash.kind().name());
            let size = file.size.map_or_else(|| "?".to_owned(), |size| size.to_string());
            println!("{size:>12} {} {hash}, {} mirrors", file.path, file.mirrors.len());
            writer.file(file)?;
        }
        for entry in &document.dropped {
            eprintln!("left out of {path}: {entry}");
        }
    }
    std::fs::write(out, writer.finish())?;
    Ok(())
}
