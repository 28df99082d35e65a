/** Writes page.js into a folder and gives its path; throws the bundler's errors. */
export function bundlePage(folder: string): Promise<string>
