using Greetings;

WebApplication app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/{name}", (string name) => Greeting.For(name));
app.Run();
