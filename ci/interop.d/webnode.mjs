// A webtorrent client in node: webnode.mjs MODULES WHAT FOLDER PORT [lsd] [encryption]; serves on when it is complete.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, what, folder, port, ...flags] = process.argv.slice(2);
const found = createRequire(modules + "/x.js").resolve("webtorrent");
const { default: WebTorrent } = await import(pathToFileURL(found));
const client = new WebTorrent({
  torrentPort: Number(port), dht: false, lsd: flags.includes("lsd"), secure: flags.includes("encryption"), utp: false, natUpnp: false, natPmp: false,
});
client.on("error", (error) => console.error(String(error)));
client.add(what, { path: folder }, (torrent) => {
  console.log(JSON.stringify({ event: "added" }));
  torrent.on("done", () => console.log(JSON.stringify({ event: "complete" })));
});
