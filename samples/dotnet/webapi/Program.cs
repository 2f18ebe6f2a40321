WebApplication app = WebApplication.CreateBuilder(args).Build();
app.UseStaticFiles();
app.MapGet("/", () => "Served from an image without a Dockerfile.\n");
app.MapGet("/user", () => Environment.UserName + "\n");
app.Run();
