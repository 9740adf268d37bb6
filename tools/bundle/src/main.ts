/** `bundle FOLDER…`: makes few files of the programs of built packages. */
import { bundleProgram } from './bundle-program.ts'

for (const folder of process.argv.slice(2)) {
  const files = await bundleProgram(folder)
  process.stdout.write(`${folder}/dist: ${files.join(', ')}\n`)
}
