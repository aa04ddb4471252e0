using System.CommandLine;
using System.Diagnostics;
using CrnMlNet.Data;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn vivid</c>: what <c>crn train --vivid</c> learns from.</summary>
internal static class VividCommand
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".bmp", ".webp"];

    public static Command Create()
    {
        var photos = new Option<string>("--photos") { Description = "Folder of photos, or one file (.png, .jpg, .bmp, .webp).", HelpName = "DIR|FILE", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the vivid photos; it is made if need be.", HelpName = "DIR", Required = true };
        var command = new Command("vivid",
            """
            Writes each photo in the tones that 'crn train --vivid' learns from, as NAME.png, at its own size.

            Example:
              crn vivid --photos data/photos --output vivid

            Local contrast and colours are strengthened; edges get no halos. Training does the same at the size that it works at.
            """)
        {
            photos, output,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(photos), parsed.GetRequiredValue(output)));
        return command;
    }

    private static int Run(string photos, string output)
    {
        var files = Find(photos);
        if (Path.GetFullPath(output) == AtomicFile.FolderOf(files[0]))
            throw new ArgumentException($"--output '{output}' is the folder of the photos, which would be overwritten. Name another folder.");
        if (File.Exists(output))
            throw new IOException($"--output '{output}' is a file. Name a folder.");
        Directory.CreateDirectory(output);
        return ProgressView.Show(view => Write(view, files, output));
    }

    private static int Write(ProgressView view, string[] files, string output)
    {
        using var stop = new StopSignal(() => view.Say("Stopping after this photo."));
        var clock = Stopwatch.StartNew();
        for (int done = 0; done < files.Length; done++)
        {
            if (stop.Token.IsCancellationRequested)
            {
                view.Conclude($"Stopped after {done} of {files.Length} photos in {output}");
                return stop.ExitCode;
            }

            using var photo = ImageFile.Load(files[done]);
            using var vivid = VividTones.Apply(photo);
            ImageFile.Save(vivid, Path.Combine(output, Path.GetFileNameWithoutExtension(files[done]) + ".png"));
            view.Report(new Progress("Vivid", done + 1, files.Length, ProgressView.Clock(clock.Elapsed, done + 1, files.Length)));
        }

        view.Conclude($"{files.Length} {(files.Length == 1 ? "photo" : "photos")} in {output}");
        return ExitCode.Success;
    }

    private static string[] Find(string path)
    {
        if (File.Exists(path))
            return [path];
        if (!Directory.Exists(path))
            throw new FileNotFoundException($"--photos '{path}' does not exist.");
        string[] files =
        [
            .. Directory.EnumerateFiles(path)
                .Where(file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !Path.GetFileName(file).StartsWith('.'))
                .Order(StringComparer.Ordinal),
        ];
        return files.Length > 0 ? files : throw new InvalidDataException($"The folder '{path}' has no photo ({string.Join(", ", Extensions)}).");
    }
}
