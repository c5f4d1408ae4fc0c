// Scripts for pages, bundled as an application does it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A module and all that it imports, as one. */
export async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  return outputFiles[0].text;
}
