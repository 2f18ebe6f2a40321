HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddHostedService<Job>();
await builder.Build().RunAsync();

/// <summary>Does its work once and ends.</summary>
internal sealed class Job(IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Console.WriteLine("The job is done.");
        lifetime.StopApplication();
        return Task.CompletedTask;
    }
}
