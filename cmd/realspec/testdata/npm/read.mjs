// Reads JUnit files with two parsers, and Markdown files with a third, and prints
// what each of them sees as JSON: node read.mjs FILE...
import { readFileSync } from 'node:fs'
import { parse } from 'junit2json'
import { lexer, walkTokens } from 'marked'
import results from 'test-results-parser'

const status = { PASS: 'passed', FAIL: 'failed', ERROR: 'error', SKIP: 'skipped' }

// Both parsers read XML with a library of their own: sax, fast-xml-parser.
async function junit2json(file) {
  const root = await parse(readFileSync(file, 'utf8'))
  return {
    failures: root.failures, errors: root.errors, skipped: root.skipped,
    suites: (root.testsuite ?? []).map((suite) => ({
      name: String(suite.name),
      cases: (suite.testcase ?? []).map((one) => {
        const [kind, problem] = one.failure ? ['failed', one.failure[0]]
          : one.error ? ['error', one.error[0]]
          : one.skipped ? ['skipped', one.skipped[0]] : ['passed', {}]
        return { name: String(one.name), status: kind, message: String(problem.message ?? '') }
      }),
    })),
  }
}

function testResultsParser(file) {
  const root = results.parse({ type: 'junit', files: [file] })
  return {
    failures: root.failed, errors: root.errors, skipped: root.skipped,
    suites: root.suites.map((suite) => ({
      name: String(suite.name),
      cases: suite.cases.map((one) => ({
        name: String(one.name), status: status[one.status] ?? one.status, message: String(one.failure ?? ''),
      })),
    })),
  }
}

const entities = { '&lt;': '<', '&gt;': '>', '&amp;': '&' }
const plain = (tokens) => tokens.map((t) => (t.tokens ? plain(t.tokens) : t.text)).join('')
  .replace(/&(lt|gt|amp);/g, (e) => entities[e])

function markdown(file) {
  const tokens = lexer(readFileSync(file, 'utf8'), { gfm: true })
  const kinds = {}
  walkTokens(tokens, (t) => { kinds[t.type] = (kinds[t.type] ?? 0) + 1 })
  return {
    kinds,
    headings: tokens.filter((t) => t.type === 'heading').map((t) => plain(t.tokens)),
    tables: tokens.filter((t) => t.type === 'table').map((t) => t.rows.map((row) => row.map((c) => plain(c.tokens)))),
  }
}

const out = {}
for (const file of process.argv.slice(2)) {
  out[file] = file.endsWith('.md') ? { markdown: markdown(file) }
    : { junit: { junit2json: await junit2json(file), 'test-results-parser': testResultsParser(file) } }
}
process.stdout.write(JSON.stringify(out))
