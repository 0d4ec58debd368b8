// Asks deep-email-validator about every address on stdin; one JSON object a line on stdout, as the answers come.
//
//     node deep_email_validator.cjs POOL SENDER < addresses
//
// It has no concurrency of its own: POOL loops await it, one address each. The mail world's domains lie under .example,
// a top-level domain that no one has, so its typo check is told that there is one.
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { validate } = createRequire(`${process.env.PEER_FOLDER}/`)('deep-email-validator')

const pool = Number(process.argv[2])
const sender = process.argv[3]
const addresses = readFileSync(0, 'utf8').split('\n').slice(0, -1)
let next = 0

async function ask() {
  while (next < addresses.length) {
    const place = next++
    let said
    try {
      const found = await validate({ email: addresses[place], sender, additionalTopLevelDomains: ['example'] })
      const reason = found.valid ? '' : found.reason
      const text = found.valid ? '' : found.validators[reason].reason
      said = { place, answer: found.valid ? 'valid' : 'invalid', kind: reason, text: text ?? '' }
    } catch (error) {
      said = { place, answer: 'raised', kind: error.name, text: error.message }
    }
    process.stdout.write(JSON.stringify(said) + '\n')
  }
}

Promise.all(Array.from({ length: pool }, ask))
