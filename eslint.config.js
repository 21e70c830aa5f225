// Lint rules, the import rules of the layout among them: a wrong import is an error here, not a memory.
import tseslint from 'typescript-eslint';

/** Which folders of src/ a folder may import from (docs/architecture.md, "Layers"). */
const mayImport = {
  base: [],
  api: ['base'],
  kube: ['base'],
  pki: ['base'],
  desired: ['api'],
  sidecar: ['base'],
  echo: ['base'],
  realm: ['base', 'pki'],
  operator: ['base', 'api', 'desired', 'kube', 'pki'],
  local: ['base', 'api', 'desired', 'pki', 'sidecar', 'echo'],
};

const folders = Object.keys(mayImport);

/** Type-only imports that cross a layer on purpose: the producer and the parser of one file share its type. */
const typeOnly = { desired: ['sidecar'], operator: ['sidecar'] };

const layers = folders.map((folder) => {
  const forbidden = folders.filter((other) => other !== folder && !mayImport[folder].includes(other));
  const value = forbidden.filter((other) => !(typeOnly[folder] ?? []).includes(other));
  const pattern = (names, extra) => ({
    regex: `^(\\.\\./)+(${names.join('|')})/`,
    message: `src/${folder} may import only from: ${[folder, ...mayImport[folder]].join(', ')}.`,
    ...extra,
  });
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            pattern(value),
            ...(typeOnly[folder] ? [pattern(typeOnly[folder], { allowTypeImports: true })] : []),
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.local/', '**/*.gen.ts', 'eslint.config.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
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
      'src/operator/check.ts',
      'src/realm/development-certificate.ts',
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
    // The conformance suite judges from outside: it knows an URL, an issuer and a recording server, none of our code.
    files: ['test/conformance/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex:
                '^(\\.\\./)+src/|/support/(sidecar|judge|embedded-authorization-server|local-mode)\\.ts$',
              message: 'Cases are black boxes; only targets/sidecar.ts starts our program, as a process.',
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
  ...layers,
);
