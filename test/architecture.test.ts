import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FILE_LINES_MAX = 600;
const NAMES_THAT_SAY_NOTHING = /(^|[-./])(utils?|helpers?|common|manager|misc|shared)([-./]|$)/i;

interface Import {
  readonly from: string;
  /** Path below the root for files of this project; the package's name for others. */
  readonly to: string;
  readonly isTypeOnly: boolean;
}

/** `import a, { b } from 'c'`, `export * from 'c'`, `import 'c'`, `import('c')`, in the forms that the formatter leaves. */
const IMPORT =
  /^(?:import|export)\s+(?<clause>(?:type\s+)?(?:[\w$*,\s]|\{[^}]*\})+?)\s+from\s+'(?<named>[^']+)'|^import\s+'(?<bare>[^']+)'|\bimport\(\s*'(?<dynamic>[^']+)'\s*\)/gm;

function typescriptFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => join(folder, path));
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [...source.matchAll(IMPORT)].map(({ groups }) => {
    const specifier = (groups!.named ?? groups!.bare ?? groups!.dynamic)!;
    const isTypeOnly = /^type\s/.test(groups!.clause ?? '');
    const isOwn = specifier.startsWith('.');
    const to = isOwn ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier;
    return { from: file, to, isTypeOnly };
  });
}

const isTest = (file: string) => file.endsWith('.test.ts') || file.includes('/testing/');
const isOwn = ({ to }: Import) => /^(src|simulator|clients|bench|test|dashboard)\//.test(to);
const production = typescriptFiles('src').filter((file) => !isTest(file));
const imports = production.flatMap(importsOf);

/** Imports of a part of the tree that go anywhere but to the allowed places, as "from → to". */
function strays(inside: string, allowed: readonly string[], among: readonly Import[] = imports): string[] {
  return among
    .filter((edge) => edge.from.startsWith(inside) && isOwn(edge))
    .filter(({ to }) => !to.startsWith(inside) && !allowed.some((place) => to.startsWith(place)))
    .map(({ from, to }) => `${from} → ${to}`);
}

const venues = readdirSync(join(ROOT, 'src/exchanges'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('imports', () => {
  it('are found by this test at all', () => {
    const edges = imports.map(({ from, to }) => `${from} → ${to}`);
    expect(edges).toContain('src/exchanges/registry.ts → src/exchanges/exchange.ts');
    expect(edges).toContain('src/main.ts → src/cli/run.ts');
    expect(edges).toContain('src/ops/http-server.ts → node:http');
  });

  it('of the model stay in the model, without packages', () => {
    expect(strays('src/model/', [])).toEqual([]);
    const foreign = imports.filter((edge) => edge.from.startsWith('src/model/') && !isOwn(edge));
    expect(foreign).toEqual([]);
  });

  it.each(['src/book/', 'src/shm/'])('of %s go to model and limits only', (folder) => {
    expect(strays(folder, ['src/model/', 'src/limits.ts'])).toEqual([]);
  });

  it.each(venues)('of the venue %s go to the contract, model and limits only', (venue) => {
    expect(strays(`src/exchanges/${venue}/`, ['src/exchanges/exchange.ts', 'src/model/', 'src/limits.ts'])).toEqual([]);
  });

  it('of the exchange contract go to the model only', () => {
    expect(strays('src/exchanges/exchange.ts', ['src/model/'])).toEqual([]);
  });

  it('reach a venue only in the registry', () => {
    const intoVenues = imports.filter(({ from, to }) => {
      return venues.some(
        (venue) => to.startsWith(`src/exchanges/${venue}/`) && !from.startsWith(`src/exchanges/${venue}/`),
      );
    });
    expect(new Set(intoVenues.map(({ from }) => from))).toEqual(new Set(['src/exchanges/registry.ts']));
  });

  it('of the feed see the exchange contract, the book and the publisher contract', () => {
    const allowed = [
      'src/exchanges/exchange.ts',
      'src/book/',
      'src/publish/publisher.ts',
      'src/model/',
      'src/limits.ts',
    ];
    expect(strays('src/feed/', allowed)).toEqual([]);
  });

  it('of publishers see shared memory and, as types, the book', () => {
    expect(strays('src/publish/', ['src/shm/', 'src/book/', 'src/model/', 'src/limits.ts'])).toEqual([]);
    const bookCode = imports.filter(({ from, to, isTypeOnly }) => {
      return from.startsWith('src/publish/') && to.startsWith('src/book/') && !isTypeOnly;
    });
    expect(bookCode).toEqual([]);
  });

  it('of the configuration see no exchange', () => {
    expect(strays('src/config', ['src/model/', 'src/limits.ts'])).toEqual([]);
  });

  it('of the TypeScript client see shared memory and the model only', () => {
    const client = typescriptFiles('clients/typescript').filter((file) => !isTest(file));
    expect(
      strays('clients/typescript/', ['src/shm/', 'src/model/', 'src/limits.ts'], client.flatMap(importsOf)),
    ).toEqual([]);
  });

  it('of src never leave src, but for commands that are consumers themselves', () => {
    const outside = strays('src/', []).filter((edge) => !/^src\/cli\/\S+ → clients\/typescript\//.test(edge));
    expect(outside).toEqual([]);
  });

  it('of the simulator share nothing with src: a mistake must not cancel itself out', () => {
    const simulator = typescriptFiles('simulator').filter((file) => !isTest(file));
    expect(strays('simulator/', [], simulator.flatMap(importsOf))).toEqual([]);
  });

  it('of packages are declared dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const used = imports.filter((edge) => !isOwn(edge) && !edge.to.startsWith('node:')).map(({ to }) => to);
    const undeclared = used.filter((name) => !Object.hasOwn(dependencies, name));
    expect(undeclared).toEqual([]);
  });
});

describe('a venue', () => {
  it.each(venues)('%s can be deleted with its registry line, and the rest compiles', (venue) => {
    const copy = mkdtempSync(join(tmpdir(), 'market-data-architecture-'));
    try {
      for (const path of ['src', 'clients/typescript', 'package.json', 'tsconfig.json']) {
        cpSync(join(ROOT, path), join(copy, path), { recursive: true, filter: (source) => !isTest(source) });
      }
      symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
      rmSync(join(copy, 'src/exchanges', venue), { recursive: true });
      const registry = join(copy, 'src/exchanges/registry.ts');
      writeFileSync(registry, withoutVenue(readFileSync(registry, 'utf8'), venue));
      writeFileSync(join(copy, 'tsconfig.venue.json'), '{ "extends": "./tsconfig.json", "include": ["src"] }');

      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
      const { stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.venue.json', '--noEmit'], {
        cwd: copy,
        encoding: 'utf8',
      });
      expect(stdout).toBe('');
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it.each(venues)(
    '%s is named nowhere in code but in its folder, the registry and the default configuration',
    (venue) => {
      const allowed = [`src/exchanges/${venue}/`, 'src/exchanges/registry.ts', 'src/config/keys.ts'];
      const naming = production.filter((file) => {
        return !allowed.some((place) => file.startsWith(place)) && withoutComments(file).includes(venue);
      });
      expect(naming).toEqual([]);
    },
  );
});

/** The registry without the import of a venue and without the name that it imported. */
function withoutVenue(registry: string, venue: string): string {
  const line = new RegExp(`^import \\{ (\\w+) \\} from './${venue}/[^']*';\\n`, 'm');
  const name = line.exec(registry)?.[1];
  expect(name).toBeDefined();
  return registry.replace(line, '').replace(new RegExp(`\\b${name}\\b,?\\s*`, 'g'), '');
}

function withoutComments(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

describe('files', () => {
  const all = ['src', 'simulator', 'clients/typescript', 'bench', 'test'].flatMap(typescriptFiles);

  it('are about one thing: none is too long to be', () => {
    const long = production.filter(
      (file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > FILE_LINES_MAX,
    );
    expect(long).toEqual([]);
  });

  it('have names that say what is in them', () => {
    expect(all.filter((file) => NAMES_THAT_SAY_NOTHING.test(file))).toEqual([]);
  });

  it('log through the logger, not the console, outside the command line', () => {
    const writing = production.filter(
      (file) => !file.startsWith('src/cli/') && /\bconsole\./.test(withoutComments(file)),
    );
    expect(writing).toEqual([]);
  });

  it('contain no test that is switched on alone or off', () => {
    const switched = all.filter(
      (file) => isTest(file) && /\b(it|test|describe)\.(only|skip|todo)\(/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(switched).toEqual([]);
  });
});
