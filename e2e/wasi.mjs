// Runs a wasm32-wasip1 test binary under Node: `node wasi.mjs tests.wasm [arguments of the test binary]`.
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [path, ...tests] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [path, ...tests], env: process.env, preopens: { ".": "." } });
const module = await WebAssembly.compile(await readFile(path));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
