interface Greeting {
  readonly name: string;
  readonly times: number;
}

function greet({ name, times }: Greeting): string {
  return Array.from({ length: times }, (_, at) => `${at + 1}: Hello, ${name}.`).join("\n");
}

const [name = "world", times = "1"] = process.argv.slice(2);
console.log(greet({ name, times: Number(times) }));
