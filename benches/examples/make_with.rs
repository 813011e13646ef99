//! Makes a .torrent with one instruction set forced; the row `make` of `benches/peers` runs it.
//!
//! `make_with` alone prints the instruction sets of this machine, `make_with ISA PATH TORRENT` makes.

use std::num::NonZero;

use swarmcopy::{MakeOptions, Overwrite};
use swarmcopy_digest::{Isa, set_isa};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn name(isa: Isa) -> String {
    format!("{isa:?}").to_lowercase()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [isa, path, torrent] = args.as_slice() else {
        let names: Vec<String> = Isa::available().into_iter().map(name).collect();
        println!("{}", names.join(" "));
        return;
    };
    let known = Isa::available().into_iter().find(|one| name(*one) == *isa);
    assert!(
        set_isa(known.expect("an instruction set of this machine")),
        "it was set before"
    );
    let mut options = MakeOptions::new(path);
    options.torrent = Some(torrent.into());
    options.overwrite = Overwrite::Replace;
    options.threads = NonZero::new(2);
    swarmcopy::make(&options, &|_| ()).expect("the torrent is made");
}
