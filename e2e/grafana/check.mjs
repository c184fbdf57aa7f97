// Compiles dashboards against the types that Grafana publishes: the dashboard as a whole, and each panel with the options and the custom
// settings of fields of its kind. Files of dashboards are given as arguments. Exits with 1 and names what does not fit.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const raw = '@grafana/schema/dist/esm/raw';
const kinds = {
  stat: ['stat', 'Stat', 'never'],
  table: ['table', 'Table', 'FieldConfig'],
  timeseries: ['timeseries', 'TimeSeries', 'FieldConfig'],
  'state-timeline': ['statetimeline', 'StateTimeline', 'FieldConfig'],
};

// JSON has no enumerations: where a type asks for one, its values are taken.
const head = `
import type { AnnotationQuery, Dashboard, FieldConfig, Panel, RowPanel } from '${raw}/dashboard/x/dashboard_types.gen.d.ts';
${Object.values(kinds).map(([folder, name]) => `import type * as ${folder} from '${raw}/composable/${folder}/panelcfg/x/${name}PanelCfg_types.gen.d.ts';`).join('\n')}
type Written<T> = 0 extends 1 & T ? any
  : T extends string ? \`\${T}\`
  : T extends Array<infer One> ? Array<Written<One>>
  : T extends object ? { [Name in keyof T]: Written<T[Name]> }
  : T;
// Prometheus adds fields of its own to a mark on the time axis.
type Mark = AnnotationQuery & { expr: string; step?: string; titleFormat?: string; textFormat?: string };
type Whole = Omit<Dashboard, 'panels' | 'annotations'> & { annotations: { list: Mark[] } };
type Shown<Kind, Options, Custom> = Omit<Panel, 'type' | 'options' | 'fieldConfig'> & {
  type: Kind;
  options: Partial<Options>;
  fieldConfig: { defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom }; overrides: Array<{ matcher: { id: string; options?: unknown }; properties: Array<{ id: string; value?: unknown }> }> };
};
`;

function source(dashboard) {
  const { panels, ...rest } = dashboard;
  const whole = `const dashboard: Written<Whole> = ${JSON.stringify(rest, null, 1)};\n`;
  const each = panels.map((panel) => {
    const kind = kinds[panel.type];
    if (panel.type !== 'row' && kind === undefined) throw new Error(`panel ${panel.title} is a ${panel.type}, which is not checked`);
    const type = kind === undefined ? 'RowPanel' : `Shown<'${panel.type}', ${kind[0]}.Options, ${kind[2] === 'never' ? 'never' : `${kind[0]}.${kind[2]}`}>`;
    return `const panel${panel.id}: Written<${type}> = ${JSON.stringify(panel, null, 1)};\n`;
  });
  return head + whole + each.join('') + 'export {};\n';
}

const files = new Map(process.argv.slice(2).map((path) => [join(here, `${basename(path, '.json')}.ts`), source(JSON.parse(readFileSync(path, 'utf8')))]));
if (files.size === 0) throw new Error('no dashboard is given');
const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const host = ts.createCompilerHost(options);
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (path) => files.has(path) || fileExists(path);
host.readFile = (path) => files.get(path) ?? readFile(path);
host.getSourceFile = (path, ...more) => (files.has(path) ? ts.createSourceFile(path, files.get(path), ts.ScriptTarget.ES2022, true) : getSourceFile(path, ...more));
const program = ts.createProgram([...files.keys()], options, host);
const found = ts.getPreEmitDiagnostics(program);
if (found.length > 0) {
  console.error(ts.formatDiagnosticsWithColorAndContext(found, { getCanonicalFileName: (name) => name, getCurrentDirectory: () => here, getNewLine: () => '\n' }));
  process.exit(1);
}
console.log(`${files.size} dashboards are as Grafana's types say`);
