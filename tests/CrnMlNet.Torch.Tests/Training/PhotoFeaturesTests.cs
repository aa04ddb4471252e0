using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Tests.Objectives;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class PhotoFeaturesTests
{
    // A photo's taps of BlurAndSquare: 3x4x4 and 3x8x8 floats.
    private const int BytesOfAPhoto = 4 * 3 * (4 * 4 + 8 * 8);

    [Theory]
    [InlineData(100 * BytesOfAPhoto, false, 6)]
    // Room for two of six in memory: the others are looked at in each epoch, or kept in a file.
    [InlineData(2 * BytesOfAPhoto, false, 6 + 4 + 4)]
    [InlineData(2 * BytesOfAPhoto, true, 6)]
    public void EachViewOfAPhotoIsLookedAtOnceAsLongAsThereIsRoom(long memory, bool hasFolder, int looks)
    {
        using var scope = NewDisposeScope();
        var folder = Directory.CreateTempSubdirectory("crn-test");
        using var perception = new Counted();
        var photos = rand(3, 3, 8, 8);
        var views = cat([photos, photos.flip(3)], 0);
        using (var features = new PhotoFeatures(perception, memory, hasFolder ? folder.FullName : null, 6))
        {
            for (int epoch = 0; epoch < 3; epoch++)
            {
                foreach (int[] batch in new int[][] { [0, 4], [5], [2, 1], [3] })
                {
                    var images = cat([.. batch.Select(view => views.narrow(0, view, 1))], 0);
                    features.Expect(images, [.. batch.Select(view => view % 3)], [.. batch.Select(view => view >= 3)]);

                    var seen = features.Features(images);

                    using var plain = new BlurAndSquare();
                    foreach (var (tap, expected) in seen.Zip(plain.Features(images), (a, b) => (a, b)))
                        Assert.True(tap.Equals(expected));
                }
            }

            Assert.Equal(looks, perception.Looks);
            Assert.Equal((memory > 6 * BytesOfAPhoto ? 6 : 2, hasFolder ? 4 : 0), features.Remembered);
        }

        Assert.Empty(folder.GetFileSystemInfos());
        folder.Delete();
    }

    [Fact]
    public void OtherImagesAreLookedAtAsEver()
    {
        using var scope = NewDisposeScope();
        using var perception = new Counted();
        using var features = new PhotoFeatures(perception, 1 << 20, null, 2);
        var (photo, painted) = (rand(1, 3, 8, 8), rand(1, 3, 8, 8));
        features.Expect(photo, [0], [false]);

        for (int i = 0; i < 3; i++)
        {
            features.Features(photo);
            features.Features(painted);
        }

        Assert.Equal(1 + 3, perception.Looks);
    }

    [Fact]
    public void TheSameIsLearnedWhateverIsRemembered()
    {
        var folder = Directory.CreateTempSubdirectory("crn-test");

        var all = Learned(new TrainingOptions());
        var none = Learned(new TrainingOptions { PhotoFeatureMemory = 1 });
        var inFile = Learned(new TrainingOptions { PhotoFeatureMemory = 1, PhotoFeatureFolder = folder.FullName });

        Assert.Equal(all, none);
        Assert.Equal(all, inFile);
        folder.Delete();

        static float[] Learned(TrainingOptions options)
        {
            var architecture = new CrnArchitecture { Channels = 3, Height = 16, Width = 32, WidthFactor = 1.0 / 64 };
            var pairs = new TrainingPairs(3, 16, 32);
            for (int i = 0; i < 3; i++)
            {
                var (ids, photo) = (new byte[16 * 32], new byte[3 * 16 * 32]);
                new Random(i).NextBytes(photo);
                Array.Fill(ids, (byte)(i % 2));
                pairs.Add(ids, photo);
            }

            using var network = new CascadedRefinementNetwork(architecture);
            using var perception = new FilterBankPerception(CPU);
            Trainer.Train(network, perception, pairs, options with { Epochs = 3, BatchSize = 2 }, _ => { }, _ => { }, CancellationToken.None);
            return [.. network.parameters().SelectMany(parameter => parameter.data<float>().ToArray())];
        }
    }

    [Fact]
    public void AFolderThatIsNotThereIsRefused()
    {
        var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingOptions { PhotoFeatureFolder = "/no/such/folder" }.Validate());

        Assert.Contains("/no/such/folder", refusal.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingOptions { PhotoFeatureMemory = -1 }.Validate());
    }

    private sealed class Counted : IPerceptionNetwork
    {
        private readonly BlurAndSquare _perception = new();

        public int Looks { get; private set; }

        public string Description => _perception.Description;

        public IReadOnlyList<string> Taps => _perception.Taps;

        public IReadOnlyList<Tensor> Features(Tensor images)
        {
            Looks++;
            return _perception.Features(images);
        }

        public void Dispose() => _perception.Dispose();
    }
}
