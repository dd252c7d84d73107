// Builds what runs in browsers into the Python package: the widget into doors/storefront/built, the admin into
// doors/admin/built. `node build.mjs widget` builds that alone, `--watch` goes on building while files change.
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const doors = join(here, "..", "src", "regulars", "doors");
const widget = join(doors, "storefront", "built");
const admin = join(doors, "admin", "built");
const said = process.argv.slice(2);
const watches = said.includes("--watch");
const wanted = (part) => said.every((word) => word === "--watch" || word === part);

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

// Styles come as text, which the widget gives to its shadow root.
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = await readFile(path, "utf8");
      const { code } = await esbuild.transform(css, { loader: "css", minify: true, target: "es2021" });
      return { contents: code.trim(), loader: "text", watchFiles: [path] };
    });
  },
};

const widgetBuilds = [
  {
    entryPoints: ["widget/panel.tsx"],
    splitting: !watches,
    chunkNames: "[name]-[hash]",
    entryNames: watches ? "[name]" : "[name]-[hash]",
    format: "esm",
    target: "es2021",
    plugins: [styles],
  },
  // The loader stands in shops' pages as a plain script: nothing of it may become global. It knows the panel's
  // name, which changes with its content, so that browsers keep the one and ask for the other.
  (built) => ({
    entryPoints: ["widget/loader.ts"],
    format: "iife",
    target: "es2021",
    plugins: [styles],
    define: { PANEL: JSON.stringify([...built].find((name) => /^panel-\w+\.js$/.test(name)) ?? "panel.js") },
  }),
];

const adminBuilds = [
  // Charts are a chunk of their own, which only the pages that draw load.
  {
    entryPoints: ["admin/admin.ts"],
    format: "esm",
    target: "es2021",
    splitting: true,
    chunkNames: "[name]-[hash]",
  },
  // The widget's own panel beside the form that changes it, whole: all its languages, and nothing to fetch later.
  { entryPoints: ["widget/preview.tsx"], format: "esm", target: "es2021", plugins: [styles] },
  { entryPoints: ["admin/admin.css"], target: "es2021", loader: { ".svg": "dataurl" } },
];

// Every icon by its name, for the server to write into its pages: {"house": "<path …/>"}.
async function icons() {
  const nodes = JSON.parse(await readFile(join(here, "node_modules/lucide-static/icon-nodes.json"), "utf8"));
  const written = Object.entries(nodes).map(([name, shapes]) => [name, shapes.map(shape).join("")]);
  await writeFile(join(admin, "icons.json"), JSON.stringify(Object.fromEntries(written)));
}

function shape([tag, attributes]) {
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  return `<${tag}${written.join("")}/>`;
}

// What is there stays until its successor is written: a server may be reading it.
async function build(folder, builds) {
  await mkdir(folder, { recursive: true });
  const kept = new Set(["icons.json"]);
  for (const told of builds) {
    const one = typeof told === "function" ? told(kept) : told;
    if (!existsSync(join(here, one.entryPoints[0]))) continue;
    const options = { ...common, ...one, outdir: folder, metafile: true };
    if (watches) {
      await (await esbuild.context(options)).watch();
      continue;
    }
    const { metafile } = await esbuild.build(options);
    for (const path of Object.keys(metafile.outputs)) kept.add(basename(path));
  }
  if (watches) return;
  for (const name of await readdir(folder)) if (!kept.has(name)) await rm(join(folder, name));
}

if (wanted("widget")) await build(widget, widgetBuilds);
if (wanted("admin")) {
  await build(admin, adminBuilds);
  await icons();
}
