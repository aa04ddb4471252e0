using System.CommandLine;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn import vgg19</c>: the paper's perception network, from a file or from torchvision's server.</summary>
internal static class ImportVgg19Command
{
    private const string Published = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth";

    public static Command Create()
    {
        var file = new Argument<string?>("FILE") { Description = "The weights: .pth, .mat or .safetensors.", Arity = ArgumentArity.ZeroOrOne };
        var download = new Option<bool>("--download") { Description = "Fetch torchvision's file (575 MB) first. It is put into FILE; without FILE it goes when it has been imported." };
        var url = new Option<string>("--url") { Description = "Where --download fetches from.", HelpName = "URL", DefaultValueFactory = _ => Published };
        string[] names = [.. Vgg19Normalisation.Known.Select(known => known.Name)];
        var normalisation = new Option<string?>("--normalisation")
        {
            Description = "What the weights expect of images, if not what the file gives evidence of. [default: found out]",
            HelpName = string.Join('|', names),
        }.AcceptOnlyFromAmong(names);
        var untrained = new Option<bool>("--untrained") { Description = "Take weights, too, that can be of no trained network, for tests." };
        var command = new Command("vgg19",
            """
            Imports VGG-19, the network in which the paper compares synthesized and real photos. From then on 'crn train' compares in it,
            too, instead of in a bank of frequency filters. No weights come with crn; any of these files will do:
              vgg19-dcbb9e9d.pth                torchvision's; --download fetches it
              imagenet-vgg-verydeep-19.mat      MatConvNet's, which the paper's authors used
              vgg19-d01eb7cb.pth                jcjohnson's copy of the original Caffe weights
              any .safetensors or .pth          with the layers' names of one of these

            Examples:
              crn import vgg19 vgg19-dcbb9e9d.pth
              crn import vgg19 --download
              crn import vgg19 mine.safetensors --normalisation matconvnet

            Shapes are checked, and that the numbers are a trained network's: random, shifted or scrambled ones are refused. That layers of
            one shape have changed places, or colours, cannot be seen; compare the activations shown with those of another import.
            A copy is kept in ~/.cache/crnmlnet (XDG_CACHE_HOME moves it), in place of an earlier one; FILE is no longer needed then.
            """)
        {
            file, download, url, normalisation, untrained,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(file) is null && !result.GetValue(download))
                result.AddError("Name the FILE to import, or --download.");
        });
        command.SetAction(parsed => Run(
            parsed.GetValue(file), parsed.GetValue(download) ? parsed.GetRequiredValue(url) : null,
            parsed.GetValue(normalisation) is { } name ? Vgg19Normalisation.Parse(name) : null, parsed.GetValue(untrained)));
        return command;
    }

    private static int Run(string? file, string? url, Vgg19Normalisation? normalisation, bool untrained)
    {
        string location = Vgg19Import.Location; // says so at once when there is no place for it
        return ProgressView.Show(view =>
        {
            using var stop = new StopSignal(() => view.Say("Stopping."));
            string path = file ?? Path.Combine(AtomicFile.FolderOf(location), Download.NameIn(url!));
            try
            {
                if (url is not null)
                    new Download(url, path, view).Fetch(stop.Token);
                Import(view, path, normalisation, untrained, stop.Token);
                if (file is null)
                    File.Delete(path);
            }
            catch (OperationCanceledException)
            {
                view.Conclude($"Stopped; nothing was imported.{(url is null ? "" : " The same command again goes on with the download.")}");
                return stop.ExitCode;
            }
            view.Conclude($"'crn train' now compares in it; the copy is {location}");
            return ExitCode.Success;
        });
    }

    private static void Import(ProgressView view, string path, Vgg19Normalisation? normalisation, bool untrained, CancellationToken cancellation)
    {
        var pace = new Pace();
        using var network = Vgg19File.Read(path, normalisation, (done, total) =>
        {
            cancellation.ThrowIfCancellationRequested();
            view.Report(new Progress("Reading", done, total, pace.Describe(done, total)));
        });
        string activations = Vgg19Import.Keep(network, untrained);
        view.Conclude($"Imported {network.Description}");
        view.Conclude($"Activations on the test picture (mean/by map): {activations}");
    }
}
