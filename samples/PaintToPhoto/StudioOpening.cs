namespace PaintToPhoto;

/// <summary>Opens the studio: at once where there is a model, otherwise after training one, of which page and console are told.</summary>
internal sealed class StudioOpening(PaintSettings settings, IHostApplicationLifetime program) : BackgroundService
{
    private readonly StreetModel _street = new(settings.Folder, settings.Scenes, settings.Epochs);
    private Studio? _studio;

    /// <summary>The studio; null: the model is still being trained.</summary>
    public Studio? Studio => Volatile.Read(ref _studio);

    /// <summary>How far the training has come.</summary>
    public TrainingNews News { get; private set; } = new("Starting", 0, TimeSpan.Zero, null);

    /// <summary>What ended the training; null: nothing has.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Opens it if there is a model already.</summary>
    /// <exception cref="FormatException">A model is damaged.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public void OpenIfTrained()
    {
        if (settings.ModelPath is { } given)
            Open(Studio.Load(given, settings.PreviewModelPath, settings.ExamplesFolder));
        else if (_street.IsTrained)
            Open(LoadStreet());
    }

    public override void Dispose()
    {
        base.Dispose();
        _studio?.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Studio is null)
            await Task.Factory.StartNew(() => Train(stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void Train(CancellationToken stop)
    {
        try
        {
            Directory.CreateDirectory(settings.Folder);
            _street.Train(Tell, stop);
            Console.WriteLine();
            Open(LoadStreet());
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("\nStopped; the next start goes on from here.");
        }
        catch (Exception e)
        {
            // Nothing can be painted without a model: the program ends, and its exit code tells.
            Failure = e;
            program.StopApplication();
        }
    }

    private Studio LoadStreet() => Studio.Load(_street.ModelPath, _street.PreviewModelPath, settings.ExamplesFolder ?? _street.ExamplesFolder);

    private void Open(Studio studio)
    {
        Console.WriteLine($"Photos of {studio.Photo.Width} x {studio.Photo.Height} in {studio.Photo.Time.TotalMilliseconds:F0} ms"
            + (studio.Preview is { } preview ? $", previews of {preview.Width} x {preview.Height} in {preview.Time.TotalMilliseconds:F0} ms." : "."));
        Volatile.Write(ref _studio, studio);
    }

    private void Tell(TrainingNews news)
    {
        bool isNext = news.What != News.What;
        News = news;
        // In a log a line for each step is enough.
        if (Console.IsOutputRedirected && isNext)
            Console.WriteLine(news.What);
        if (Console.IsOutputRedirected)
            return;
        Console.Write($"\r{news.What}: {news.Done:P0}{(news.Remaining > TimeSpan.Zero ? $", {news.Remaining:m\\:ss} left" : "")}      ");
    }
}
