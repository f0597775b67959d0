// The one tool that every client is given. It keeps what it was called with, and answers "1 degrees", "2 degrees", ...

export class Tool {
  constructor({ name, description, schema }) {
    this.name = name;
    this.description = description;
    this.schema = schema;
    this.ran = [];
  }

  run(input) {
    this.ran.push([this.name, input]);
    return `${this.ran.length} degrees`;
  }
}
