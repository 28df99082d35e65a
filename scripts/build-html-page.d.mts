export function buildHtmlPage(folder?: string): Promise<{ readonly script: string; readonly style: string }>
