// Prints what the module shows: `node wasm.mjs wasm.wasm`.
import { readFile } from "node:fs/promises";

const { instance } = await WebAssembly.instantiate(await readFile(process.argv[2]), {
  host: {
    show(name, length, digest) {
      const bytes = new Uint8Array(instance.exports.memory.buffer, name, length);
      const digits = BigInt.asUintN(64, digest).toString(16).padStart(16, "0");
      console.log(`${digits}  ${new TextDecoder().decode(bytes)}`);
    },
  },
});
instance.exports.run();
