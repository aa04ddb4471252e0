using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using CrnMlNet.Study;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn study serve</c>: the page on which people answer.</summary>
internal static class StudyServeCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The study's folder; the answers are saved in it." };
        var address = new Option<IPAddress>("--address")
        {
            Description = "The address of this machine to listen at; 0.0.0.0 is all of them, so that others can answer.",
            HelpName = "IP",
            CustomParser = ParseAddress,
            DefaultValueFactory = _ => IPAddress.Loopback,
        };
        var port = new Option<int>("--port") { Description = "The port; 0 is any free one.", HelpName = "N", DefaultValueFactory = _ => 8080 };
        var command = new Command("serve",
            """
            Serves a study as a web page, until Ctrl-C. Each worker gets one job, and can go on with it after a pause. Whoever opens the page is a
            worker of a name that is kept in the browser; '?worker=NAME' after the address names one.

            Examples:
              crn study serve study
              crn study serve study --address 0.0.0.0 --port 80

            An answer is on the disk before the page hears that it is saved: neither a kill nor a power cut loses one. It is plain HTTP; put a server
            with TLS before it where that matters.
            """)
        {
            folder, address, port,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(port) is < 0 or > IPEndPoint.MaxPort)
                result.AddError($"--port must be 0 to {IPEndPoint.MaxPort}.");
        });
        command.SetAction(parsed => RunAsync(parsed.GetRequiredValue(folder), new IPEndPoint(parsed.GetRequiredValue(address), parsed.GetValue(port))));
        return command;
    }

    private static IPAddress? ParseAddress(ArgumentResult argument)
    {
        if (IPAddress.TryParse(argument.Tokens[0].Value, out var address))
            return address;
        argument.AddError($"'{argument.Tokens[0].Value}' is no IP address: 127.0.0.1 is this machine alone, 0.0.0.0 all its addresses.");
        return null;
    }

    private static async Task<int> RunAsync(string folder, IPEndPoint endpoint)
    {
        using var stop = new StopSignal(() => { });
        await using var server = await StudyServer.StartAsync(folder, endpoint, fault => Console.Error.WriteLine($"crn: {fault}"));
        Console.WriteLine($"The study '{folder}' is at {server.Address}  (Ctrl-C stops)");
        await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        var (workers, answers) = await server.CountAsync();
        Console.WriteLine($"{answers} answers of {workers} workers are saved. Next: crn study analyze {folder}");
        return stop.ExitCode;
    }
}
