/** `npm run kernels`: compiles every kernel of `src/learn/kernels/assembly` into the `.wasm` beside it. */
import { globSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import asc from "assemblyscript/asc";

const folder = join(import.meta.dirname, "../src/learn/kernels");

/** Memory is shared and comes from outside; no runtime; SIMD without the relaxed operations, whose results differ between machines. */
const OPTIONS =
  "-O3 --runtime stub --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --enable simd,threads".split(" ");

export const kernelNames = (): string[] =>
  globSync("*.ts", { cwd: join(folder, "assembly") })
    .map((file) => basename(file, ".ts"))
    .sort();

export const wasmFileOf = (name: string): string => join(folder, `${name}.wasm`);

/** The bytes of one kernel. */
export async function compileKernel(name: string): Promise<Uint8Array> {
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await asc.main([`assembly/${name}.ts`, "--outFile", "kernel.wasm", "--baseDir", folder, ...OPTIONS], {
    writeFile: (file, bytes) => {
      if (file === "kernel.wasm") compiled = bytes as Uint8Array;
    },
  });
  if (error !== null || compiled === undefined) throw new Error(`${name}: ${stderr.toString()}`, { cause: error });
  return compiled;
}

if (import.meta.main)
  for (const name of kernelNames()) {
    const bytes = await compileKernel(name);
    writeFileSync(wasmFileOf(name), bytes);
    console.log(`${name}.wasm: ${bytes.length} bytes`);
  }
