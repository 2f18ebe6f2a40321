using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kimg.TestKit;

/// <summary>A program of the test's own, ended with it.</summary>
public sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    public ServerProcess(string program, params string[] arguments)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false },
        };
        _process.OutputDataReceived += Append;
        _process.ErrorDataReceived += Append;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Waits until it has written this text to one of its streams.</summary>
    public async Task SaysAsync(string text)
    {
        var said = new TaskCompletionSource();
        void Look(object sender, DataReceivedEventArgs line)
        {
            if (Output.Contains(text, StringComparison.Ordinal)) said.TrySetResult();
            else if (line.Data is null && HasExited) said.TrySetException(new InvalidOperationException($"'{text}' was not said: {Output}"));
        }

        _process.OutputDataReceived += Look;
        _process.ErrorDataReceived += Look;
        if (Output.Contains(text, StringComparison.Ordinal)) said.TrySetResult();
        await said.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>A port nobody listens on now. Another process may take it before it is used: retry.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Append(object sender, DataReceivedEventArgs e)
    {
        lock (_output) _output.AppendLine(e.Data);
    }
}
