// Where are the script and the style that a self-contained page carries? Beside the bundle, made with it.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Refusal } from './command.ts'

/** Reads html-page.js and html-page.css.
 *  in      folder  by default that of the bundle, or the checkout's build folder when the sources run
 *  throws  Refusal when they are not built */
export function readHtmlPage(folder = builtFolder()): { readonly script: string; readonly style: string } {
  const read = (name: string) => {
    try {
      return readFileSync(`${folder}/${name}`, 'utf8')
    } catch (error) {
      throw new Refusal(
        `the script of HTML pages is not built: ${(error as Error).message}; build it: npm run build node`,
        { cause: error },
      )
    }
  }
  return { script: read('html-page.js'), style: read('html-page.css') }
}

function builtFolder(): string {
  const isBundle = !import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(isBundle ? '.' : '../build', import.meta.url))
}
