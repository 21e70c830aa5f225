// Lint rules, the import rules of the layout among them: a wrong import is an error here, not a memory.
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Which folders of src/ a folder may import from (docs/architecture.md, "Layers"). */
export const layers = {
  protocol: [],
  base: [],
  api: ['base', 'protocol'],
  kube: ['base', 'protocol'],
  pki: ['base', 'protocol'],
  desired: ['api', 'protocol'],
  sidecar: ['base', 'protocol'],
  echo: ['base', 'protocol'],
  realm: ['base', 'pki', 'protocol'],
  operator: ['base', 'api', 'desired', 'kube', 'pki', 'protocol'],
  local: ['base', 'api', 'desired', 'pki', 'sidecar', 'echo', 'protocol'],
};

/** Type-only imports that cross a layer on purpose: the producer and the parser of one file share its type. */
export const typeOnly = { desired: ['sidecar'], operator: ['sidecar'] };

/** The rooms of src/sidecar by floor, lowest first: a room imports only rooms below it. */
export const floors = [
  ['denial', 'limits', 'config'],
  ['http', 'tokens', 'observability'],
  ['messages', 'issuers', 'metadata'],
  ['authentication', 'sessions'],
  ['authorization'],
  ['proxy'],
  ['gateway'],
];

const folders = Object.keys(layers);

/** Forbids imports from folders: `names` are those right below the folder that `../` leads to. */
const forbidden = (names, message, extra) => ({
  regex: `^(\\.\\./)+(${names.join('|')})/`,
  message,
  ...extra,
});

/** What the layers forbid to a folder of src/. */
const layerPatterns = (folder) => {
  const others = folders.filter((other) => other !== folder && !layers[folder].includes(other));
  const types = typeOnly[folder] ?? [];
  const message = `src/${folder} may import only from: ${[folder, ...layers[folder]].join(', ')}.`;
  const values = others.filter((other) => !types.includes(other));
  return [
    forbidden(values, message),
    ...(types.length > 0 ? [forbidden(types, message, { allowTypeImports: true })] : []),
  ];
};

const restrictedImports = (files, patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

const layerRules = folders.map((folder) =>
  restrictedImports([`src/${folder}/**/*.ts`], layerPatterns(folder)),
);

const roomRules = floors.flatMap((rooms, floor) =>
  rooms.map((room) => {
    const below = floors.slice(0, floor).flat();
    const others = floors.flat().filter((other) => other !== room && !below.includes(other));
    const message = `src/sidecar/${room} may import only from: ${[room, ...below].join(', ')}.`;
    return restrictedImports(
      [`src/sidecar/${room}/**/*.ts`],
      [...layerPatterns('sidecar'), forbidden(others, message), { regex: '^\\.\\./[^/]+\\.ts$', message }],
    );
  }),
);

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.local/', '**/*.gen.ts', 'eslint.config.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-cycle': 'error',
      'no-console': 'error',
      'no-restricted-exports': [
        'error',
        { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // Only the wiring of a program reads its environment.
    files: ['src/**/*.ts'],
    ignores: [
      'src/*/main.ts',
      'src/operator/helm-test.ts',
      'src/realm/development/main.ts',
      'src/local/main.ts',
      'src/local/processes.ts',
      'src/local/token.ts',
      'src/base/*.ts',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Read the environment in main.ts and pass the value on.',
        },
      ],
    },
  },
  {
    // node:test's describe and it return promises that the runner awaits.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
    },
  },
  {
    // The conformance suite tests from outside: it knows a URL, an issuer and a recording server, none of our code.
    files: ['test/conformance/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./)+(src|support)/',
              message: 'Cases are black boxes; only targets/sidecar.ts starts our program, as a process.',
            },
          ],
        },
      ],
    },
  },
  {
    // What tests of every kind share: the world around a resource server, which knows of none, ours least of all.
    files: ['test/kit/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^\\.\\./',
              message: 'test/kit imports packages and itself, nothing of src or of other folders of test.',
            },
          ],
        },
      ],
    },
  },
  {
    // End-to-end tests look at single fields of many kinds of objects, as kubectl prints them.
    files: ['test/e2e/**/*.ts'],
    rules: Object.fromEntries(
      ['assignment', 'member-access', 'argument', 'call', 'return'].map((what) => [
        `@typescript-eslint/no-unsafe-${what}`,
        'off',
      ]),
    ),
  },
  ...layerRules,
  ...roomRules,
);
